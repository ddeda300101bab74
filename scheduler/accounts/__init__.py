"""Who may do what: users, their sign-ins, permissions and the audit log; nothing about tasks or pages."""
