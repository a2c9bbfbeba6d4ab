"""Many leads at once in a random order of what can happen to them, judged from outside."""
