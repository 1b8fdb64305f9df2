"""How far the gait core is from the truth: recordings with a truth in, figures and a page out.

``truth_files`` reads what only a judge may know, ``outcome`` sets the core's steps against it, ``statistics``
turns that into figures, ``sensitivity`` worsens the recordings on purpose, ``page`` and ``console`` tell it.
"""
