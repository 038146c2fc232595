SYSTEM = "Answer in one sentence, from the passages alone."
