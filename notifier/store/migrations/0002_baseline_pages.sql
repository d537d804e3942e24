-- Pages that have been read by sweeps of which none has come to the end yet: what is new on them came since.
ALTER TABLE listings ADD COLUMN baseline_pages INTEGER NOT NULL DEFAULT 0 CHECK (baseline_pages >= 0);
