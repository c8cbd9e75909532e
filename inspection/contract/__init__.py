"""The contract of a module, as checks that anybody can run on a module of their own."""
