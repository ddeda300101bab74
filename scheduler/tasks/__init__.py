"""Tasks: what they are, the verbs that change them, the questions asked of them; nothing here runs one."""
