"""What the replay of an epoch shows beyond the money: statistics of quotes, the luck of sampling, explanations.

Pure like the engine, whose replay it watches, but floats are allowed: nothing here feeds a root.
"""
