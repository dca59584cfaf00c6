# Runs after boot.py. After a power-on boot.py has started everything already, and this does
# nothing; after a soft reset (Ctrl-D, mpremote, Thonny) it starts the app and the OTA server.
# Your own code belongs in app/app.py.
import uota

uota.main()
