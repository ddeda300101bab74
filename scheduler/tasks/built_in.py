"""The built-in recipes: backup, recovery, clean-up, checks, copies; each script does the work itself, with the usual tools."""

from scheduler.errors import N_
from scheduler.tasks.blanks import Parameter
from scheduler.tasks.recipes import Recipe, recipes

__all__ = ["ACTIONS", "OTHERS", "recipes"]

PATH = "/.*"
WHOLE = (N_("Everything"), N_("What has changed since the last one"))
BACKUP = r"""set -eu
target=${target:-$BACKUP_FOLDER} task_type=${task_type:-full}
snapshot="$target/$SCHEDULER_TASK_KEY.snapshot"
mkdir -p "$target"
rm -f "$snapshot.new"
if [ "$task_type" != full ] && [ -f "$snapshot" ]; then cp "$snapshot" "$snapshot.new"; fi
pack=--gzip end=.tar.gz
if [ "${compression_enabled:-true}" = false ]; then pack=--no-auto-compress end=.tar; fi
archive="$target/$SCHEDULER_TASK_KEY-$(date +%Y%m%d-%H%M%S)-$task_type$end"
trap 'rm -f "$archive.part" "$snapshot.new"' EXIT
IFS='
'
set -f
code=0
tar --create "$pack" --force-local --file "$archive.part" --listed-incremental "$snapshot.new" -- $source_paths || code=$?
if [ "$code" -gt 1 ]; then exit "$code"; fi
mv "$archive.part" "$archive"
mv "$snapshot.new" "$snapshot"
note=
if [ "$code" -eq 1 ]; then note=", and some files changed while they were read"; fi
echo "::summary $(du -h "$archive" | cut -f 1) in $archive$note"
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
list=$(mktemp)
trap 'rm -f "$list"' EXIT
code=0
find "$path" -type f -name "${pattern:-*}" -mtime "+${retention_days:-30}" -delete -print >"$list" || code=2
cat "$list" >&2
echo "::summary $(wc -l <"$list") files deleted"
exit "$code"
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
list=$(mktemp)
trap 'rm -f "$list"' EXIT
find "$path" -type f >"$list" || exit 2
kept=$(wc -l <"$list")
find "$path" -type f -mtime "+${retention_days:-30}" >"$list" || exit 2
old=$(wc -l <"$list")
cat "$list" >&2
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
SYNC = r"""set -eu
mkdir -p "$target"
if command -v rsync >/dev/null; then
  if [ "${delete_extra:-false}" = true ]; then set -- --delete; else set --; fi
  rsync --archive --itemize-changes "$@" -- "$source/" "$target/"
elif [ "${delete_extra:-false}" = true ]; then
  echo "rsync is not installed here: without it nothing can be deleted in the copy" >&2
  exit 2
else
  cp --archive --update --verbose -- "$source/." "$target/"
fi
echo "::summary $(find "$target" -type f | wc -l) files in $target"
"""
CUSTOM = r"""exec /bin/sh -c "$command"
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
            Parameter("source_paths", "list", required=True, pattern=PATH, label=N_("Folders")),
            Parameter("task_type", default="full", choices=("full", "incremental"), label=N_("What goes in"), words=WHOLE),
            Parameter("compression_enabled", "flag", default=True, label=N_("Compress it")),
            Parameter("target", pattern=PATH, label=N_("Where the archives go")),
        ),
    ),
    Recipe(
        "recovery", N_("Restore a backup"), "backup", N_("Unpacks the newest whole archive and the changes after it."),
        _shell(RECOVERY), {"schedule_type": "manual"},
        (
            Parameter("target", required=True, pattern=PATH, label=N_("Where to unpack it")),
            Parameter("folder", pattern=PATH, label=N_("Where the archives are")),
        ),
    ),
    Recipe(
        "cleanup", N_("Delete old files"), "cleanup", N_("Deletes the files of a folder that are older than so many days."),
        _shell(CLEANUP), _nightly("03:00"),
        (
            Parameter("retention_days", "number", default=30, label=N_("Days to keep")),
            Parameter("path", pattern=PATH, label=N_("Folder")),
            Parameter("pattern", default="*", label=N_("Names of the files")),
        ),
    ),
    Recipe(
        "health_check", N_("Check the disk"), "monitoring", N_("Fails when a disk is fuller than so many per cent."),
        _shell(HEALTH), {"schedule_type": "interval", "schedule_config": {"interval": 30, "unit": "minutes"}},
        (
            Parameter("path", default="/", pattern=PATH, label=N_("A folder on the disk")),
            Parameter("max_used_percent", "number", default=90, label=N_("Full at per cent")),
        ),
    ),
    Recipe(
        "retention_check", N_("Check for old files"), "monitoring", N_("Fails when a folder is empty or keeps too old files."),
        _shell(RETENTION), _nightly("04:00"),
        (
            Parameter("retention_days", "number", default=30, label=N_("Days to keep")),
            Parameter("path", pattern=PATH, label=N_("Folder")),
        ),
    ),
)  # fmt: skip
OTHERS = (
    Recipe(
        "database_backup", N_("Database backup"), "backup", N_("Copies an SQLite file, or dumps a PostgreSQL database."),
        _shell(DATABASE), _nightly("02:00"),
        (
            Parameter("database", required=True, pattern="[^-].*", label=N_("File, or name or address of the database")),
            Parameter("backup_path", required=True, pattern=PATH, label=N_("Where the copies go")),
        ),
    ),
)  # fmt: skip
MORE = (
    Recipe(
        "folder_sync", N_("Copy a folder"), "sync", N_("Keeps a second folder like the first, with rsync where there is one."),
        _shell(SYNC), _nightly("01:00"),
        (
            Parameter("source", required=True, pattern=PATH, label=N_("Folder")),
            Parameter("target", required=True, pattern=PATH, label=N_("Its copy")),
            Parameter("delete_extra", "flag", default=False, label=N_("Delete in the copy what the folder no longer has")),
        ),
    ),
    Recipe(
        "custom", N_("A command of one's own"), "custom", N_("Runs one line, as a shell reads it, every day."),
        _shell(CUSTOM), _nightly("05:00"),
        (Parameter("command", required=True, label=N_("Command")),),
    ),
)  # fmt: skip
for recipe in OTHERS + ACTIONS + MORE:
    recipes.register(recipe)
