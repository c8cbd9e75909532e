"""The public names, once: type checkers read them here, and ``__init__.py`` imports each when it is first used."""

from . import (
    browser as browser, course as course, datasets as datasets, errors as errors, experiments as experiments,
    initializers as initializers, inspection as inspection, interop as interop, losses as losses, modules as modules,
    optim as optim, plots as plots, training as training,
)
from .browser.serving import play as play
from .errors import (
    ArgumentError as ArgumentError, CheckError as CheckError, DataError as DataError, DtypeError as DtypeError,
    FileFormatError as FileFormatError, NonFiniteError as NonFiniteError, PhaseError as PhaseError,
    RetropropError as RetropropError, ShapeError as ShapeError, StateError as StateError,
)
from .experiments.compare.job import compare as compare
from .initializers import (
    Constant as Constant, GlorotNormal as GlorotNormal, GlorotUniform as GlorotUniform, HeNormal as HeNormal,
    HeUniform as HeUniform, Initializer as Initializer, LeCunNormal as LeCunNormal, LeCunUniform as LeCunUniform,
    Normal as Normal, Orthogonal as Orthogonal, Standard as Standard, Uniform as Uniform, Zeros as Zeros,
)
from .inspection import (
    adversarial as adversarial, check_gradients as check_gradients, check_module as check_module, count_paths as count_paths,
    diagnose as diagnose, features as features, finite_differences as finite_differences, gradient_costs as gradient_costs,
    gradient_noise as gradient_noise, hessian_eigenvalues as hessian_eigenvalues,
    hessian_vector_product as hessian_vector_product, jacobian as jacobian, jacobian_costs as jacobian_costs, jvp as jvp,
    layer_statistics as layer_statistics, numerical_gradient as numerical_gradient, numerical_jacobian as numerical_jacobian,
    path_sum as path_sum, per_example_gradients as per_example_gradients, per_example_norms as per_example_norms,
    perturb as perturb, saliency as saliency, step_size_errors as step_size_errors, tape as tape, vjp as vjp,
)
from .losses import (
    BCE as BCE, L1 as L1, MSE as MSE, NLL as NLL, BCEWithLogits as BCEWithLogits, CrossEntropy as CrossEntropy,
    Hinge as Hinge, Huber as Huber, Loss as Loss,
)
from .modules import (
    ELU as ELU, GELU as GELU, Add as Add, AvgPool2d as AvgPool2d, BatchNorm as BatchNorm, Concat as Concat, Conv2d as Conv2d,
    Dropout as Dropout, Embedding as Embedding, Flatten as Flatten, Function as Function, GlobalAvgPool2d as GlobalAvgPool2d,
    Graph as Graph, HardTanh as HardTanh, Identity as Identity, LayerNorm as LayerNorm, LeakyReLU as LeakyReLU,
    Linear as Linear, LogSoftmax as LogSoftmax, MaxPool2d as MaxPool2d, Module as Module, Multiply as Multiply,
    Parameter as Parameter, ReLU as ReLU, Reshape as Reshape, Residual as Residual, Sequential as Sequential,
    Sigmoid as Sigmoid, SiLU as SiLU, Softmax as Softmax, Softplus as Softplus, Softsign as Softsign, Tanh as Tanh,
    Upsample2d as Upsample2d,
)
from .optim import (
    SGD as SGD, Adagrad as Adagrad, Adam as Adam, AdamW as AdamW, Optimizer as Optimizer, RMSprop as RMSprop,
    clip_grad_norm as clip_grad_norm,
)
from .plots.training import LiveView as LiveView
from .training import (
    EMA as EMA, CSVLog as CSVLog, Callback as Callback, ChainedLR as ChainedLR, Checkpoint as Checkpoint,
    CosineLR as CosineLR, EarlyStopping as EarlyStopping, Evaluation as Evaluation, ExponentialLR as ExponentialLR,
    History as History, JSONLog as JSONLog, MaxNorm as MaxNorm, Model as Model, MultiStepLR as MultiStepLR,
    Norms as Norms, OneCycleLR as OneCycleLR, RateRange as RateRange, ReduceOnPlateau as ReduceOnPlateau, Run as Run,
    Schedule as Schedule, SequentialLR as SequentialLR, Step as Step, StepLR as StepLR, TensorBoard as TensorBoard,
    WarmupLR as WarmupLR, accuracy as accuracy, class_weights as class_weights, confusion_matrix as confusion_matrix,
    evaluate as evaluate, f1_score as f1_score, fit as fit, least_squares as least_squares, load as load,
    load_model as load_model, lr_range_test as lr_range_test, lsuv as lsuv, mean_absolute_error as mean_absolute_error,
    minimize as minimize, mup as mup, r2_score as r2_score, roc_auc_score as roc_auc_score, save as save,
    save_model as save_model, top_k_accuracy_score as top_k_accuracy_score,
)

__version__: str
