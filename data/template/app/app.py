# Your application. run() is called in a thread of its own once the board has booted; updates
# arrive beside it, and print() reaches you over the network too: uota remoteio listen
import time


def run():
    count = 0
    while True:
        count += 1
        print("hello from the board,", count)
        time.sleep(2)
