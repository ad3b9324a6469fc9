"""Everything people said and every run's record.

Functions over a Session; the caller commits (`with database.session(actor) as db:` is one transaction); plain frozen
records come out and outlive the session. Users' column names and texts are values here, never SQL identifiers.
Nothing is deleted.
"""
