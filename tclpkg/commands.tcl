# Made by `make docs`: the version of the package, each command with the words that tell of its bulk
# parameter, and the commands that take names of files. Inside the tcltorch program Python has told the first
# two already.

namespace eval ::torch::_ {
    if {![info exists ::torch::_::commands]} {
        variable version 0.1.0
        variable commands {
            Empty {}
            apotFakeQuantize {}
            apotLevels {}
            apot_fake_quantize {}
            apot_levels {}
            apropos {}
            arange {}
            calculateQparams {}
            calculate_qparams {}
            commands {}
            conv2d {}
            conv2dLayer {}
            deQuantize {}
            de_quantize {}
            dequantize {}
            dequantizeApot {}
            dequantizeIntegers {}
            dequantize_apot {}
            dequantize_integers {}
            empty {}
            enableGrad {}
            enable_grad {}
            exportIntegers {}
            exportModel {}
            export_integers {}
            export_model {}
            eye {}
            fakeQuantizeLearnablePerChannel {}
            fakeQuantizeLearnablePerTensor {}
            fakeQuantizePerChannel {}
            fakeQuantizePerTensor {}
            fake_quantize_learnable_per_channel {}
            fake_quantize_learnable_per_tensor {}
            fake_quantize_per_channel {}
            fake_quantize_per_tensor {}
            free {}
            full {}
            fusedMovingAvgObsFakeQuant {}
            fused_moving_avg_obs_fake_quant {}
            getQScaleAndZeroPoint {}
            getQScaleSymmetric {}
            get_q_scale_and_zero_point {}
            get_q_scale_symmetric {}
            handles {}
            help {}
            importIntegers {}
            import_integers {}
            info {}
            intRepr {}
            int_repr {}
            integersInfo {}
            integers_info {}
            isGradEnabled {}
            is_grad_enabled {}
            keep {}
            linear {}
            linearDequantization {}
            linearDequantizationPerGroup {}
            linearLayer {}
            linearQSymmetric {}
            linearQSymmetricPerChannel {}
            linearQSymmetricPerGroup {}
            linearQWithScaleAndZeroPoint {}
            linear_dequantization {}
            linear_dequantization_per_group {}
            linear_q_symmetric {}
            linear_q_symmetric_per_channel {}
            linear_q_symmetric_per_group {}
            linear_q_with_scale_and_zero_point {}
            linspace {}
            loadObserverState {}
            loadSafetensors {}
            load_observer_state {}
            load_safetensors {}
            manualSeed {}
            manual_seed {}
            memory {}
            observe {}
            observer {}
            observerState {}
            observer_state {}
            ones {}
            onesLike {}
            ones_like {}
            plotLevels {}
            plotLines {1 -x}
            plotQuantizationErrors {}
            plotQuantizationHistogram {}
            plotSqnr {}
            plot_levels {}
            plot_lines {1 -x}
            plot_quantization_errors {}
            plot_quantization_histogram {}
            plot_sqnr {}
            progressBar {}
            progressStep {}
            progress_bar {}
            progress_step {}
            qPerChannelAxis {}
            qPerChannelScales {}
            qPerChannelZeroPoints {}
            qScale {}
            qZeroPoint {}
            q_per_channel_axis {}
            q_per_channel_scales {}
            q_per_channel_zero_points {}
            q_scale {}
            q_zero_point {}
            quantizationError {}
            quantizationMetrics {}
            quantizationPlan {}
            quantizationSweep {}
            quantization_error {}
            quantization_metrics {}
            quantization_plan {}
            quantization_sweep {}
            quantizeApot {}
            quantizeIntegers {}
            quantizePerChannel {}
            quantizePerTensor {}
            quantize_apot {}
            quantize_integers {}
            quantize_per_channel {}
            quantize_per_tensor {}
            rand {}
            randint {}
            randn {}
            resetObserver {}
            reset_observer {}
            safetensorsInfo {}
            safetensors_info {}
            saveSafetensors {}
            save_safetensors {}
            setGradEnabled {}
            set_grad_enabled {}
            show {}
            sitrep {}
            tensorAbs {}
            tensorAdd {}
            tensorBackward {}
            tensorCreate {0 -values -data}
            tensorDevice {}
            tensorDiv {}
            tensorDtype {}
            tensorExp {}
            tensorGrad {}
            tensorItem {}
            tensorLog {}
            tensorMatmul {}
            tensorMax {}
            tensorMean {}
            tensorMin {}
            tensorMul {}
            tensorNumel {}
            tensorPermute {}
            tensorPrint {}
            tensorRand {}
            tensorRandn {}
            tensorRelu {}
            tensorRequiresGrad {}
            tensorReshape {}
            tensorShape {}
            tensorSqrt {}
            tensorStd {}
            tensorSub {}
            tensorSum {}
            tensorTo {}
            tensorToList {}
            tensor_abs {}
            tensor_add {}
            tensor_backward {}
            tensor_create {0 -values -data}
            tensor_device {}
            tensor_div {}
            tensor_dtype {}
            tensor_exp {}
            tensor_grad {}
            tensor_item {}
            tensor_log {}
            tensor_matmul {}
            tensor_max {}
            tensor_mean {}
            tensor_min {}
            tensor_mul {}
            tensor_numel {}
            tensor_permute {}
            tensor_print {}
            tensor_rand {}
            tensor_randn {}
            tensor_relu {}
            tensor_requires_grad {}
            tensor_reshape {}
            tensor_shape {}
            tensor_sqrt {}
            tensor_std {}
            tensor_sub {}
            tensor_sum {}
            tensor_to {}
            tensor_to_list {}
            textHistogram {}
            text_histogram {}
            uniformLevels {}
            uniform_levels {}
            version {}
            zeros {}
            zerosLike {}
            zeros_like {}
        }
    }
    variable on_files {
        exportIntegers
        exportModel
        export_integers
        export_model
        importIntegers
        import_integers
        integersInfo
        integers_info
        loadSafetensors
        load_safetensors
        plotLevels
        plotLines
        plotQuantizationErrors
        plotQuantizationHistogram
        plotSqnr
        plot_levels
        plot_lines
        plot_quantization_errors
        plot_quantization_histogram
        plot_sqnr
        safetensorsInfo
        safetensors_info
        saveSafetensors
        save_safetensors
    }
}
