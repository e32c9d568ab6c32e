"""One settings module per surrounding: local (embedded), test, production; base holds what they share."""
