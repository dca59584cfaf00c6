"""A second implementation of protocol 2's host side, written from docs/protocol.md alone.

Nothing of the C tool is used or looked at: where both agree with the agent, the document says
enough. A module a layer: link, hello, record, manifest, message, session. Standard library, and
`cryptography` for AES and HKDF. To push a folder to a board:

    cd tests && python -m client2 HOST FOLDER --password … --signing-key … --version 1.2.1
"""
