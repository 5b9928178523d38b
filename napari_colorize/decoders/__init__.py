"""From stored samples to pixels as viewers show them: colour models, profiles, orientation, limits.

It stands below `pipeline` because pictures of Pillow's come in through the front door, and below
`files`, whose readers know containers and leave the samples to this room.
"""
