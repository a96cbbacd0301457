"""A workflow as a marketer writes it: language, steps, triggers, compiler, explanation."""
