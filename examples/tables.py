"""A network in a scikit-learn pipeline: scaled and encoded columns in, probabilities out."""

from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, PowerTransformer

from evenly.estimators import NetClassifier, NetTransformer

x, y = load_breast_cancer(return_X_y=True, as_frame=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, stratify=y, random_state=0)

# Any preparation of columns goes in front; what comes out of it is scaled by the network itself.
columns = make_column_transformer(
    (KBinsDiscretizer(5, encode="onehot-dense", quantile_method="averaged_inverted_cdf"),
     ["mean smoothness", "mean symmetry"]),
    remainder=PowerTransformer(),
)
# One network is enough to compare settings by.
pipeline = make_pipeline(columns, NetClassifier(max_epochs=60, random_state=0, effort="fast"))
search = GridSearchCV(pipeline, {"netclassifier__dropout": [0.1, 0.4]}, cv=3)
search.fit(x_train, y_train)
best = search.best_estimator_[-1]
print(f"dropout {best.dropout}: {best.n_iter_} epochs, the best was {best.best_epoch_}")
print(f"test accuracy {search.score(x_test, y_test):.3f}")

# What the last hidden layer has learned, as features for another model.
features = NetTransformer((64, 8), max_epochs=60, random_state=0).set_output(transform="pandas")
linear = make_pipeline(features, LogisticRegression()).fit(x_train, y_train)
print(f"logistic regression on {features.transform(x_test).shape[1]} learned features: "
      f"test accuracy {linear.score(x_test, y_test):.3f}")
