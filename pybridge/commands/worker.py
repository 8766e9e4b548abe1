"""The process behind the commands: where a Tcl without Python in it has one, and what can be asked of it.

In `tclsh` and in other programs PyTorch runs in a process of its own, the worker. Inside the `tcltorch`
program there is none, and these commands do in place what they would do there.
"""

from pybridge.registry import tcl_command

tcl_command(
    __name__,
    "remote",
    "script",
    """Run a whole script where PyTorch is: a loop in it costs one round trip.

    Args:
        script: runs at global level in the worker's own interpreter, which has the same handles but variables
            and procedures of its own, and keeps them from one script to the next. Inside `tcltorch`, at
            global level.

    Returns:
        The result of the script. Its errors come with their -errorcode, and tell the line of the script. It
        ends as the body of a procedure does: `return` gives its result, `return -code break` ends the loop
        around the call, `return -code 7` is a code that `catch` tells.

    Errors:
        TORCH UNSUPPORTED exit, for a script that calls `exit` in the worker.

    Example:
        torch::remote {
            set sizes {}
            foreach size {10 20 30} {
                lappend sizes [torch::tensor_numel [torch::ones $size]]
            }
            set sizes
        }
        => 10 20 30
    """,
)
tcl_command(
    __name__,
    "async",
    "command ?-command? callback",
    """Have a command run while the event loop goes on.

    Commands of this kind run one after the other; another command that is called meanwhile waits for the one
    that runs, and overtakes those that wait. So what they need must not be freed or changed before the
    callback: whether they would still see it as it was is left open. What they make belongs to no scope, and
    `no_grad` around them does not reach them.

    Args:
        command: a list, in which nothing is substituted: a command of this package with its words, or
            `torch::remote` with a script.
        callback: a command prefix. The event loop calls it with the result and the options, as `catch` gives
            them: {*}$callback result options.

    Returns:
        A token for `cancel`.

    Errors:
        TORCH ARG VALUE command, for a command of another kind, and for a script in the place of a list.

    Example:
        set x [torch::ones {100}]
        proc done {result options} {
            set ::answer [torch::tensor_item $result]
        }
        torch::async [list torch::tensor_sum $x] -command done
        vwait answer
        set answer
        => 100.0
    """,
)
tcl_command(
    __name__,
    "cancel",
    "?token?",
    """Cancel commands of `async`.

    A script is stopped at once, with the commands that it waits for (`exec`); a command of PyTorch's is
    finished first. Inside `tcltorch` what runs cannot be cancelled, because the event loop waits for it; what
    waits can.

    Args:
        token: of `async`. Without it all are cancelled.

    Returns:
        Whether there was anything to cancel. Its callback gets the error `interrupted`, TORCH
        INTERRUPT, unless the command had ended already.

    Example:
        proc done {result options} {
            set ::said $result
        }
        set token [torch::async [list torch::ones 5] -command done]
        torch::cancel $token
        vwait said
        set said
        => interrupted
    """,
)
tcl_command(
    __name__,
    "shutdown",
    "",
    """Free every handle, and end the worker. The next command starts another one.

    Scopes and `no_grad` bodies that are open stay open for what is made afterwards; a `no_grad` without a
    script has ended.

    Returns:
        Nothing.

    Example:
        set x [torch::ones {2}]
        torch::shutdown
        llength [torch::handles]
        => 0
    """,
)
tcl_command(
    __name__,
    "restart",
    "",
    """End the worker, also one that has died, and start another one. Its handles are gone.

    After a worker has died, every command fails with TORCH CLOSED until this, or `shutdown`, is called. As
    with `shutdown`, what is open stays open. Inside `tcltorch`, where there is no worker, it frees every
    handle.

    Returns:
        A sentence that says so.

    Example:
        torch::restart
        => the handles of before are gone
    """,
)
