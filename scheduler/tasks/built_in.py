"""The built-in recipes: backup, recovery, clean-up, checks; each script does the work itself, with the usual tools."""

from scheduler.errors import N_
from scheduler.tasks.blanks import Parameter
from scheduler.tasks.recipes import Recipe, recipes

__all__ = ["ACTIONS", "OTHERS", "recipes"]

PATH = "/.*"
BACKUP = r"""set -eu
target=${target:-$BACKUP_FOLDER} task_type=${task_type:-full}
snapshot="$target/$SCHEDULER_TASK_KEY.snapshot"
mkdir -p "$target"
if [ "$task_type" = full ]; then rm -f "$snapshot"; fi
pack=--gzip end=.tar.gz
if [ "${compression_enabled:-true}" = false ]; then pack=--no-auto-compress end=.tar; fi
archive="$target/$SCHEDULER_TASK_KEY-$(date +%Y%m%d-%H%M%S)-$task_type$end"
IFS='
'
set -f
tar --create "$pack" --force-local --file "$archive.part" --listed-incremental "$snapshot" -- $source_paths
mv "$archive.part" "$archive"
echo "::summary $(du -h "$archive" | cut -f 1) in $archive"
"""
RECOVERY = r"""set -eu
folder=${folder:-$BACKUP_FOLDER}
full=$(ls -t "$folder"/*-full.tar "$folder"/*-full.tar.gz 2>/dev/null | head -n 1)
if [ -z "$full" ]; then echo "there is no full backup in $folder" >&2; exit 1; fi
key=$(basename "$full" | sed 's/-[0-9]\{8\}-[0-9]\{6\}-full[.]tar.*//')
mkdir -p "$target"
begun=no
for archive in "$folder/$key"-[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]-*; do
  case "$archive" in *.part) continue ;; esac
  if [ "$archive" = "$full" ]; then begun=yes; fi
  if [ "$begun" = no ]; then continue; fi
  echo "restoring $archive"
  tar --extract --force-local --file "$archive" --listed-incremental /dev/null --directory "$target"
done
echo "::summary restored to $target"
"""
CLEANUP = r"""set -eu
path=${path:-$BACKUP_FOLDER}
if [ ! -d "$path" ]; then echo "::summary there is no folder $path, nothing to delete"; exit 0; fi
count=$(find "$path" -type f -name "${pattern:-*}" -mtime "+${retention_days:-30}" -print -delete | tee /dev/stderr | wc -l)
echo "::summary $count files deleted"
"""
HEALTH = r"""set -eu
path=${path:-/} most=${max_used_percent:-90}
df -h "$path"
df -i "$path"
cat /proc/loadavg
used=$(df --output=pcent "$path" | tail -n 1 | tr -dc 0-9)
echo "::metric used_percent=$used"
echo "::summary $used % of $path used"
[ "$used" -le "$most" ]
"""
RETENTION = r"""set -eu
path=${path:-$BACKUP_FOLDER}
if [ ! -d "$path" ]; then echo "there is no folder $path" >&2; exit 1; fi
kept=$(find "$path" -type f | wc -l)
old=$(find "$path" -type f -mtime "+${retention_days:-30}" | tee /dev/stderr | wc -l)
echo "::summary $kept files kept, $old of them older than ${retention_days:-30} days"
[ "$kept" -gt 0 ] && [ "$old" -eq 0 ]
"""
DATABASE = r"""set -eu
mkdir -p "$backup_path"
name=$(basename "$database" | tr -c 'A-Za-z0-9._-' _)
file="$backup_path/$name$(date +%Y%m%d-%H%M%S)"
if [ -f "$database" ]; then
  python3 -c 'import sqlite3, sys
source, target = map(sqlite3.connect, sys.argv[1:])
source.backup(target)' "$database" "$file.part"
else
  pg_dump --format=custom --file="$file.part" --dbname="$database"
fi
mv "$file.part" "$file"
echo "::summary $(du -h "$file" | cut -f 1) in $file"
"""


def _nightly(time: str) -> dict[str, object]:
    return {"schedule_type": "daily", "schedule_config": {"times": [time]}}


def _shell(command: str) -> dict[str, str]:
    return {"type": "shell", "command": command}


ACTIONS = (
    Recipe(
        "backup", N_("Back up folders"), "backup", N_("Packs folders into an archive, whole or only what has changed."),
        _shell(BACKUP), _nightly("02:00"),
        (
            Parameter("source_paths", "list", required=True, pattern=PATH),
            Parameter("task_type", default="full", choices=("full", "incremental")),
            Parameter("compression_enabled", "flag", default=True),
            Parameter("target", pattern=PATH),
        ),
    ),
    Recipe(
        "recovery", N_("Restore a backup"), "backup", N_("Unpacks the newest whole archive and the changes after it."),
        _shell(RECOVERY), {"schedule_type": "manual"},
        (Parameter("target", required=True, pattern=PATH), Parameter("folder", pattern=PATH)),
    ),
    Recipe(
        "cleanup", N_("Delete old files"), "cleanup", N_("Deletes the files of a folder that are older than so many days."),
        _shell(CLEANUP), _nightly("03:00"),
        (
            Parameter("retention_days", "number", default=30),
            Parameter("path", pattern=PATH),
            Parameter("pattern", default="*"),
        ),
    ),
    Recipe(
        "health_check", N_("Check the disk"), "monitoring", N_("Fails when a disk is fuller than so many per cent."),
        _shell(HEALTH), {"schedule_type": "interval", "schedule_config": {"interval": 30, "unit": "minutes"}},
        (Parameter("path", default="/", pattern=PATH), Parameter("max_used_percent", "number", default=90)),
    ),
    Recipe(
        "retention_check", N_("Check for old files"), "monitoring", N_("Fails when a folder is empty or keeps too old files."),
        _shell(RETENTION), _nightly("04:00"),
        (Parameter("retention_days", "number", default=30), Parameter("path", pattern=PATH)),
    ),
)  # fmt: skip
OTHERS = (
    Recipe(
        "database_backup", N_("Database backup"), "backup", N_("Copies an SQLite file, or dumps a PostgreSQL database."),
        _shell(DATABASE), _nightly("02:00"),
        (Parameter("database", required=True, pattern="[^-].*"), Parameter("backup_path", required=True, pattern=PATH)),
    ),
)  # fmt: skip
for recipe in OTHERS + ACTIONS:
    recipes.register(recipe)
