// The table of kernels. Compiled once for each instruction set and each precision.
#include "kernels/average.hpp"
#include "kernels/average_pool.hpp"
#include "kernels/batch_ensemble.hpp"
#include "kernels/batch_norm_backward.hpp"
#include "kernels/clip_norm.hpp"
#include "kernels/constraint.hpp"
#include "kernels/convolution_backward.hpp"
#include "kernels/dense.hpp"
#include "kernels/embedding.hpp"
#include "kernels/epilogue.hpp"
#include "kernels/focal.hpp"
#include "kernels/gradient_check.hpp"
#include "kernels/group_norm.hpp"
#include "kernels/group_norm_backward.hpp"
#include "kernels/int8_dense.hpp"
#include "kernels/join.hpp"
#include "kernels/layer_norm.hpp"
#include "kernels/likelihood.hpp"
#include "kernels/losses.hpp"
#include "kernels/made_kernels.hpp"
#include "kernels/max_pool.hpp"
#include "kernels/members.hpp"
#include "kernels/mixup.hpp"
#include "kernels/noise.hpp"
#include "kernels/numeric.hpp"
#include "kernels/parametric.hpp"
#include "kernels/prelu.hpp"
#include "kernels/quantile.hpp"
#include "kernels/recurrent_cells.hpp"
#include "kernels/small_product.hpp"
#include "kernels/softmax.hpp"
#include "optimizers/adam.hpp"
#include "optimizers/adam_variants.hpp"
#include "optimizers/adaptive.hpp"
#include "optimizers/descent.hpp"

namespace evenly::EVENLY_ISA {
namespace {

using Real = EVENLY_REAL;

template <class K>
Kernel* make(const Instruction& instruction) {
  return new K(instruction);
}

struct Row {
  const char* name;
  Kernel* (*make)(const Instruction&);
};

constexpr Row kTable[] = {
    {"dense.forward", make<DenseForward<Real>>},
    {"dense.backward", make<DenseBackward<Real>>},
    {"batch_norm.forward", make<BatchNormForward<Real>>},
    {"batch_norm.backward", make<BatchNormBackward<Real>>},
    {"batch_norm.moments", make<BatchNormForward<Real, Pass::moments>>},
    {"batch_norm.apply", make<BatchNormForward<Real, Pass::apply>>},
    {"batch_norm.sums", make<BatchNormBackward<Real, Pass::moments>>},
    {"batch_norm.spread", make<BatchNormBackward<Real, Pass::apply>>},
    {"batch_norm.inference", make<BatchNormFixed<Real>>},
    {"batch_norm.track", make<BatchNormTrack<Real>>},
    {"frozen_batch_norm.forward", make<BatchNormFixed<Real>>},
    {"frozen_batch_norm.backward", make<BatchNormBackward<Real>>},
    {"frozen_batch_norm.inference", make<BatchNormFixed<Real>>},
    {"layer_norm.forward", make<LayerNormForward<Real, true>>},
    {"layer_norm.backward", make<LayerNormBackward<Real, true>>},
    {"rms_norm.forward", make<LayerNormForward<Real, false>>},
    {"rms_norm.backward", make<LayerNormBackward<Real, false>>},
    {"group_norm.forward", make<GroupNormForward<Real>>},
    {"group_norm.backward", make<GroupNormBackward<Real>>},
    {"elementwise.forward", make<ElementwiseForward<Real>>},
    {"elementwise.backward", make<ElementwiseBackward<Real>>},
    {"parametric.forward", make<ParametricForward<Real>>},
    {"parametric.backward", make<ParametricBackward<Real>>},
    {"prelu.forward", make<PReluForward<Real>>},
    {"prelu.backward", make<PReluBackward<Real>>},
    {"scale.forward", make<PReluForward<Real, true>>},
    {"scale.backward", make<PReluBackward<Real, true>>},
    {"softmax.forward", make<SoftmaxForward<Real>>},
    {"softmax.backward", make<SoftmaxBackward<Real>>},
    {"shared_dropout.forward", make<SharedDropout<Real, false>>},
    {"shared_dropout.backward", make<SharedDropout<Real, true>>},
    {"alpha_dropout.forward", make<AlphaDropout<Real, false>>},
    {"alpha_dropout.backward", make<AlphaDropout<Real, true>>},
    {"gaussian_dropout.forward", make<GaussianDropout<Real, false>>},
    {"gaussian_dropout.backward", make<GaussianDropout<Real, true>>},
    {"gaussian_noise.forward", make<GaussianNoise<Real, false>>},
    {"gaussian_noise.backward", make<GaussianNoise<Real, true>>},
    {"embedding.forward", make<EmbeddingForward<Real>>},
    {"embedding.backward", make<EmbeddingBackward<Real>>},
    {"periodic.forward", make<PeriodicForward<Real>>},
    {"periodic.backward", make<PeriodicBackward<Real>>},
    {"piecewise.forward", make<Piecewise<Real, false>>},
    {"piecewise.backward", make<Piecewise<Real, true>>},
    {"still_row.set_aside", make<StillRow<Real, false>>},
    {"still_row.put_back", make<StillRow<Real, true>>},
    {"softmax_cross_entropy", make<LossKernel<Real, SoftmaxCrossEntropy>>},
    {"binary_cross_entropy", make<LossKernel<Real, BinaryCrossEntropy>>},
    {"mean_squared_error", make<LossKernel<Real, MeanSquaredError>>},
    {"mean_absolute_error", make<LossKernel<Real, MeanAbsoluteError>>},
    {"huber", make<LossKernel<Real, Huber>>},
    {"poisson", make<LossKernel<Real, Poisson>>},
    {"gamma", make<LossKernel<Real, Gamma>>},
    {"quantile", make<LossKernel<Real, Quantile>>},
    {"focal_cross_entropy", make<LossKernel<Real, FocalCrossEntropy>>},
    {"focal_yes_no", make<LossKernel<Real, FocalYesNo>>},
    {"convolution.forward", make<ConvolutionForward<Real>>},
    {"convolution.backward", make<ConvolutionBackward<Real>>},
    {"max_pool.forward", make<MaxPoolForward<Real>>},
    {"max_pool.backward", make<MaxPoolBackward<Real>>},
    {"average_pool.forward", make<AveragePoolForward<Real>>},
    {"average_pool.backward", make<AveragePoolBackward<Real>>},
    {"rnn.forward", make<RecurrentForward<Real, RnnCell>>},
    {"rnn.backward", make<RecurrentBackward<Real, RnnCell>>},
    {"rnn.track", make<RecurrentTrack<Real>>},
    {"lstm.forward", make<RecurrentForward<Real, LstmCell>>},
    {"lstm.backward", make<RecurrentBackward<Real, LstmCell>>},
    {"lstm.track", make<RecurrentTrack<Real>>},
    {"gru.forward", make<RecurrentForward<Real, GruCell>>},
    {"gru.backward", make<RecurrentBackward<Real, GruCell>>},
    {"gru.track", make<RecurrentTrack<Real>>},
    {"weight_norm.forward", make<WeightNormForward<Real>>},
    {"weight_norm.backward", make<WeightNormBackward<Real>>},
    {"drop_connect.forward", make<DropConnect<Real, false>>},
    {"drop_connect.backward", make<DropConnect<Real, true>>},
    {"sum.forward", make<SumForward<Real>>},
    {"concatenate.forward", make<ConcatenateForward<Real>>},
    {"concatenate.backward", make<ConcatenateBackward<Real>>},
    {"members.forward", make<Members<Real, false>>},
    {"members.backward", make<Members<Real, true>>},
    {"batch_ensemble.forward", make<BatchEnsembleForward<Real>>},
    {"batch_ensemble.backward", make<BatchEnsembleBackward<Real>>},
    {"member_dense.forward", make<MemberDense<Real, false>>},
    {"member_dense.backward", make<MemberDense<Real, true>>},
    {"slice.forward", make<Slice<Real, false>>},
    {"slice.backward", make<Slice<Real, true>>},
    {"average.forward", make<AverageForward<Real>>},
    {"average.backward", make<AverageBackward<Real>>},
    {"gradient_check", make<GradientCheck<Real>>},
    {"descent.update", make<Update<Real, Descent>>},
    {"momentum.update", make<Update<Real, Momentum>>},
    {"rmsprop.update", make<Update<Real, RmsProp>>},
    {"adagrad.update", make<Update<Real, Adagrad>>},
    {"rmsprop_general.update", make<Update<Real, RmsPropGeneral>>},
    {"adam.update", make<Update<Real, Adam>>},
    {"adam_largest.update", make<Update<Real, AdamLargest>>},
    {"adamax.update", make<Update<Real, AdaMax>>},
    {"nadam.update", make<Update<Real, NAdam>>},
    {"radam.update", make<Update<Real, RAdam>>},
    {"clip_norm", make<ClipNorm<Real>>},
    {"max_norm", make<ColumnNorm<Real, false>>},
    {"unit_norm", make<ColumnNorm<Real, true>>},
    {"average", make<Average<Real, false>>},
    {"lookahead", make<Average<Real, true>>},
    {"lookahead.begin", make<BeginAverage<Real>>},
    {"mixup", make<Mixup<Real>>},
    {"cutmix", make<Cut<Real, true>>},
    {"cutout", make<Cut<Real, false>>},
    {"packed_dense.pack", make<PackDense<Real, Real>>},
    {"packed_dense.forward", make<PackedDense<Real, Real>>},
    {"bfloat16_dense.pack", make<PackDense<float, Bfloat16>>},
    {"bfloat16_dense.forward", make<PackedDense<float, Bfloat16>>},
    {"int8_dense.pack", make<PackInt8>},
    {"int8_dense.forward", make<Int8Dense>},
};

}  // namespace

#define EVENLY_JOIN_(a, b) a##b
#define EVENLY_JOIN(a, b) EVENLY_JOIN_(a, b)

EVENLY_EXPORT Kernel* EVENLY_JOIN(make_, EVENLY_REAL)(const Instruction& instruction) {
  for (const Row& row : kTable)
    if (std::strcmp(row.name, operation(instruction)) == 0) return row.make(instruction);
  return nullptr;
}

EVENLY_EXPORT void EVENLY_JOIN(multiply_, EVENLY_REAL)(const MatrixProduct& p) {
  constexpr MultiplyMatrices<Real>* kMakers[] = {matrix_product<Real>, own_product<Real>, gemm};
  kMakers[static_cast<int>(p.by)](
      p.transpose_a, p.transpose_b, p.m, p.n, p.k, static_cast<const Real*>(p.a), p.lda,
      static_cast<const Real*>(p.b), p.ldb, p.add, static_cast<Real*>(p.c), p.ldc);
}

}  // namespace evenly::EVENLY_ISA
