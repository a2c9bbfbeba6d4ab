"""What a person, their lawyer or an auditor may ask for: proof of consent, and what is held about them."""
