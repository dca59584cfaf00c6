# Starts app and agent after a soft reset; does nothing where boot.py has already done so.
import uota

uota.main()
