"""DECIDE: pure functions of facts and profiles. Only the standard library, `errors`, `text` and itself."""
