"""Who hears how runs ended: rules choose, deliveries wait in a table, channels send; nothing here ever stops a run."""
