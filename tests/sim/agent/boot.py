# The smallest agent that the simulator's tests need: a board that boots and says so.
print("agent: boot.py")
