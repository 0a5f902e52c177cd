"""Which public cases run, and through what; which do not, and why. Names stand without their
``test_``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import norms, recurrent, simple, training, windows
from .cases import Case

Mapping = Callable[[Case], list[Any]]

# Layer and RMS normalization have the same cases.
NORMALIZED = [
    "2d_axis0", "2d_axis1", "2d_axis_negative_1", "2d_axis_negative_2", "3d_axis0_epsilon",
    "3d_axis1_epsilon", "3d_axis2_epsilon", "3d_axis_negative_1_epsilon",
    "3d_axis_negative_2_epsilon", "3d_axis_negative_3_epsilon", "4d_axis0", "4d_axis1", "4d_axis2",
    "4d_axis3", "4d_axis_negative_1", "4d_axis_negative_2", "4d_axis_negative_3",
    "4d_axis_negative_4", "default_axis",
]

# (what runs it, the cases, the outputs that our layer does not have)
RUN: list[tuple[Mapping, list[str], tuple[int, ...]]] = [
    (simple.elu, ["elu", "elu_default", "elu_example", "ELU"], ()),
    (simple.gelu, ["gelu_default_1", "gelu_default_2", "gelu_tanh_1", "gelu_tanh_2"], ()),
    (simple.hard_sigmoid, ["hardsigmoid", "hardsigmoid_default", "hardsigmoid_example"], ()),
    (simple.hard_swish, ["hardswish"], ()),
    (simple.leaky_relu, ["leakyrelu", "leakyrelu_default", "leakyrelu_example", "LeakyReLU",
                         "LeakyReLU_with_negval"], ()),
    (simple.mish, ["mish"], ()),
    (simple.relu, ["relu", "ReLU"], ()),
    (simple.selu, ["selu_default", "SELU", "operator_selu"], ()),
    (simple.sigmoid, ["sigmoid", "sigmoid_example", "Sigmoid"], ()),
    (simple.softplus, ["softplus", "softplus_example", "Softplus"], ()),
    (simple.softsign, ["softsign", "softsign_example"], ()),
    (simple.silu, ["swish"], ()),
    (simple.tanh, ["tanh", "tanh_example", "Tanh"], ()),
    (simple.prelu, ["prelu_broadcast", "PReLU_1d", "PReLU_2d", "PReLU_3d", "PReLU_1d_multiparam",
                    "PReLU_2d_multiparam", "PReLU_3d_multiparam"], ()),
    (simple.prelu_each, ["prelu_example"], ()),
    (simple.softmax, ["softmax_axis_0", "softmax_axis_1", "softmax_axis_2", "softmax_default_axis",
                      "softmax_example", "softmax_large_number", "softmax_negative_axis",
                      "Softmax", "softmax_lastdim", "softmax_functional_dim3"], ()),
    (simple.gemm, ["gemm_all_attributes", "gemm_alpha", "gemm_beta", "gemm_default_no_bias",
                   "gemm_default_scalar_bias", "gemm_default_single_elem_vector_bias",
                   "gemm_default_vector_bias", "gemm_default_zero_bias", "gemm_transposeA",
                   "gemm_transposeB", "Linear"], ()),
    (simple.dropout_inference, ["dropout_default", "dropout_default_mask",
                                "dropout_default_mask_ratio", "dropout_default_old",
                                "dropout_default_ratio", "dropout_random_old"], (1,)),
    (simple.dropout_nothing, ["training_dropout_zero_ratio",
                              "training_dropout_zero_ratio_mask"], ()),

    (norms.batch_norm, ["batchnorm_epsilon", "batchnorm_example", "BatchNorm1d_3d_input_eval",
                        "BatchNorm2d_eval", "BatchNorm2d_momentum_eval", "BatchNorm3d_eval",
                        "BatchNorm3d_momentum_eval"], ()),
    (norms.batch_norm_training, ["batchnorm_epsilon_training_mode",
                                 "batchnorm_example_training_mode"], ()),
    (norms.group_norm, ["group_normalization_epsilon", "group_normalization_example"], ()),
    (norms.instance_norm, ["instancenorm_epsilon", "instancenorm_example",
                           "operator_symbolic_override"], ()),
    (norms.layer_norm, [f"layer_normalization_{name}" for name in NORMALIZED], (1, 2)),
    (norms.rms_norm, [f"rms_normalization_{name}" for name in NORMALIZED], ()),

    (windows.convolution, [
        "basic_conv_with_padding", "basic_conv_without_padding", "conv_with_autopad_same",
        "conv_with_strides_and_asymmetric_padding", "conv_with_strides_no_padding",
        "conv_with_strides_padding", "operator_conv", "Conv1d", "Conv1d_dilated", "Conv1d_groups",
        "Conv1d_pad1", "Conv1d_pad1size1", "Conv1d_pad2", "Conv1d_pad2size1", "Conv1d_stride",
        "Conv2d", "Conv2d_dilated", "Conv2d_groups", "Conv2d_groups_thnn", "Conv2d_no_bias",
        "Conv2d_padding", "Conv2d_strided",
    ], ()),
    (windows.depthwise, ["Conv2d_depthwise", "Conv2d_depthwise_padded", "Conv2d_depthwise_strided",
                         "Conv2d_depthwise_with_multiplier"], ()),
    (windows.max_pool, [
        "maxpool_1d_default", "maxpool_2d_ceil", "maxpool_2d_ceil_output_size_reduce_by_one",
        "maxpool_2d_default", "maxpool_2d_pads", "maxpool_2d_precomputed_pads",
        "maxpool_2d_precomputed_same_upper", "maxpool_2d_precomputed_strides",
        "maxpool_2d_same_lower", "maxpool_2d_same_upper", "maxpool_2d_strides",
        "maxpool_2d_uint8", "operator_maxpool", "MaxPool1d", "MaxPool1d_stride", "MaxPool2d",
        "maxpool_2d_dilations", "MaxPool1d_stride_padding_dilation",
        "MaxPool2d_stride_padding_dilation",
    ], ()),
    (windows.max_pool_places, ["maxpool_with_argmax_2d_precomputed_pads",
                               "maxpool_with_argmax_2d_precomputed_strides"], ()),
    (windows.average_pool, [
        "averagepool_1d_default", "averagepool_2d_ceil",
        "averagepool_2d_ceil_last_window_starts_on_pad", "averagepool_2d_default",
        "averagepool_2d_pads", "averagepool_2d_pads_count_include_pad",
        "averagepool_2d_precomputed_pads", "averagepool_2d_precomputed_pads_count_include_pad",
        "averagepool_2d_precomputed_same_upper", "averagepool_2d_precomputed_strides",
        "averagepool_2d_same_lower", "averagepool_2d_same_upper", "averagepool_2d_strides",
        "AvgPool2d", "AvgPool2d_stride", "averagepool_2d_dilations",
    ], ()),
    (windows.global_average_pool, ["globalaveragepool", "globalaveragepool_precomputed"], ()),
    (windows.global_max_pool, ["globalmaxpool", "globalmaxpool_precomputed"], ()),

    (recurrent.recurrent, [
        "gru_batchwise", "gru_bidirectional", "gru_defaults", "gru_reverse", "gru_seq_length",
        "gru_with_initial_bias", "lstm_batchwise", "lstm_bidirectional", "lstm_defaults",
        "lstm_reverse", "lstm_with_initial_bias", "rnn_seq_length", "simple_rnn_batchwise",
        "simple_rnn_bidirectional", "simple_rnn_defaults", "simple_rnn_reverse",
        "simple_rnn_with_initial_bias",
    ], ()),

    (training.cross_entropy, [
        f"sce_{name}{log}" for log in ("", "_log_prob") for name in (
            "mean", "mean_3d", "mean_weight", "mean_weight_ii", "mean_weight_ii_3d",
            "mean_weight_ii_4d", "mean_no_weight_ii", "mean_no_weight_ii_3d",
            "mean_no_weight_ii_4d", "NCd1_mean_weight_negative_ii", "NCd1d2d3d4d5_mean_weight",
        )
    ], ()),
    (training.adam, ["adam", "adam_multiple"], ()),
    (training.momentum, ["momentum", "momentum_multiple", "nesterov_momentum"], ()),
]

# By name or pattern, the first that fits: why our layers cannot express it.
LISTED = {
    "*_expanded*": "the data of another case; its model is the operator written out as others",
    "adagrad*": "Adagrad is none of our update rules",
    "gemm_default_matrix_bias": "a bias that differs from row to row",
    "selu_example": "SELU's two numbers are those of its fixed point, these are others",
    "selu": "SELU's two numbers are those of its fixed point, these are others",
    "training_dropout": "its mask is drawn by another generator",
    "training_dropout_mask": "its mask is drawn by another generator",
    "training_dropout_default*": "its mask is drawn by another generator",
    "Conv3d*": "convolution has one or two axes",
    "AvgPool3d*": "pooling has one or two axes",
    "MaxPool3d*": "pooling has one or two axes",
    "averagepool_3d_*": "pooling has one or two axes",
    "maxpool_3d_*": "pooling has one or two axes",
    "lstm_with_peepholes": "the gates of our LSTM do not see the cell",
    "sce_none*": "a loss is one number, the mean: there are no losses one by one",
    "sce_*_none_*": "a loss is one number, the mean: there are no losses one by one",
    "sce_sum*": "a loss is the mean, not the sum",
    "sce_*_sum_*": "a loss is the mean, not the sum",
}
