from . import test_tree
