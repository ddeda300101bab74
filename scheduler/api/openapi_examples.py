"""What stands in the examples of the OpenAPI document: each works where there are the task, group, user … that they name.

`tests/api/test_openapi_examples.py` makes those and sends every example.
"""

from collections.abc import Mapping
from typing import Any

# In the places of paths; a user in a group goes by number.
PLACES: Mapping[str, Any] = {
    "task_id": "nightly-backup",
    "execution_id": "exec-20240101-020000-1a2b3c4d",
    "group_id": "reports",
    "template_id": "pack-a-folder",
    "user_id": "grace",
    "name": "WAREHOUSE_TOKEN",
    "key_id": 1,
    "number": 1,
}
MEMBER = 2
# In queries, where nothing said is not the best of examples.
QUERIES: Mapping[str, Any] = {"at": "2024-01-01T02:00:00"}
FILE = "# m h dom mon dow command\n30 2 * * * /usr/local/bin/rotate-logs\n"
FILE_QUERY: Mapping[str, Any] = {"format": "crontab"}
# In bodies, by endpoint.
BODIES: Mapping[str, Any] = {
    "v1_auth.login": {"username": "grace", "password": "correct horse battery"},
    "v1_auth.refresh": {"refresh_token": "a refresh token"},
    "v1_auth.password": {
        "username": "grace",
        "password": "correct horse battery",
        "new_password": "another horse, another battery",
    },
    "v1_api_keys.create": {"name": "night job", "scopes": ["read", "run"], "expires_at": "2099-01-01"},
    "v1_tasks.create": {
        "name": "Weekly report",
        "type": "shell",
        "command": "echo copying; echo ::summary 3 files copied",
        "schedule_type": "CRON",
        "schedule_config": "0 2 * * mon",
        "timezone": "Europe/Berlin",
        "retry_count": 2,
        "tags": ["weekly"],
    },
    "v1_tasks.update": {"schedule_config": "30 2 * * *", "timeout_seconds": 600},
    "v1_templates.create": {
        "name": "Pack another folder",
        "category": "backup",
        "description": "Packs a folder into an archive beside it.",
        "parameters": [
            {"name": "folder", "required": True, "pattern": "/.+"},
            {"name": "hour", "default": "02:00", "pattern": "[0-2][0-9]:[0-5][0-9]"},
        ],
        "task": {
            "type": "shell",
            "command": 'tar -czf "$folder.tar.gz" "$folder"',
            "schedule_type": "daily",
            "schedule_config": {"times": ["{{hour}}"]},
        },
    },
    "v1_templates.update": {"description": "Packs a folder into an archive beside it, at night."},
    "v1_templates.from_template": {
        "template_id": "database_backup",
        "name": "Copy of the database",
        "params": {"database": "/var/lib/my.db", "backup_path": "/tmp/backup"},
    },
    "v1_batch.batch": {"action": "disable", "ids": ["nightly-backup"]},
    "v1_task_verbs.clone": {"name": "Second backup"},
    "v1_schedules.look": {"schedule_type": "CRON", "schedule_config": "30 9 * * 1-5", "timezone": "Asia/Shanghai", "count": 3},
    "v1_scheduling.pause": {"reason": "a new disk", "until": "2099-01-01T06:00:00"},
    "v1_scheduling.pause_everything": {"reason": "a new disk"},
    "v1_groups.create": {"name": "Audits", "max_concurrent": 2, "default_content": {"type": "shell", "command": "echo audit"}},
    "v1_groups.update": {"description": "for the board", "max_concurrent": 3},
    "v1_groups.join": {"role": "editor"},
    "v1_secrets.put": {"value": "correct horse battery staple", "groups": ["reports"]},
    "v1_users.create": {"username": "henry", "role": "operator", "email": "henry@example.org"},
    "v1_users.update": {"limited_to_groups": True, "grants": {"1": "editor"}},
    "v1_users.password": {"password": "another horse, another battery", "must_change": False},
    "service_tasks.create": {
        "name": "Daily copy",
        "group": "default",
        "type": "shell",
        "command": "echo copying",
        "schedule": {"type": "daily", "time": "02:00"},
        "enabled": True,
    },
    "service_tasks.update": {"schedule": {"type": "weekly", "weekdays": [1, 5], "times": ["02:00", "14:00"]}},
    "service_task_verbs.from_template": {
        "template_id": "database_backup",
        "name": "Copy of the database",
        "params": {"database": "/var/lib/my.db", "backup_path": "/tmp/backup"},
    },
    "engine_tasks.create": {
        "task_id": "test-task",
        "task_name": "A test",
        "task_exec": "tasks/test_task.py",
        "task_schedule": "*/3 * * * *",
        "task_timeout": 300,
        "task_retry": 3,
        "task_env": {"PARAM1": "one"},
        "task_notify": {"on_failure": True, "email": "admin@example.com"},
    },
    "engine_tasks.update": {"task_schedule": "0 2 * * *"},
}
