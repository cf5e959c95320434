"""Every kind of step, a module each; `perform` is the one place that knows them all."""
