"""What a person sees during a session: a terminal view, or plain lines where there is no terminal."""
