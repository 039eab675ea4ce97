#!/bin/sh
# Installs Dianzhi for this user, without root and without a network; the folder also runs where it lies: ./dianzhi
#   ./install.sh            into ~/.local/opt/dianzhi, with menu entry; an older version there is replaced
#   ./install.sh remove   takes the program away again
# Only what files.txt lists is ever removed: a workspace may lie beside the program. Settings and logs are elsewhere.
set -eu
here=$(dirname -- "$(readlink -f -- "$0")")
share=${XDG_DATA_HOME:-$HOME/.local/share}
bin=$HOME/.local/bin
place=$HOME/.local/opt/dianzhi

refresh() {
    if command -v update-mime-database >/dev/null; then update-mime-database "$share/mime" || true; fi
    if command -v update-desktop-database >/dev/null; then update-desktop-database -q "$share/applications" || true; fi
}

# The files of the version in folder $1, by the list $2; what Python made of them; folders that are empty then.
take_away() {
    (cd -- "$1" && tr '\n' '\0' < "$2" | xargs -0 rm -f -- && find . -type f -path '*/__pycache__/*.pyc' -delete)
    find "$1" -depth -type d -empty -delete
}

# A version whose place was taken: what is not its own goes to the new one's folder, or stays where a name is taken.
settle_old() {
    if [ ! -e "$place" ]; then mv -- "$place.old" "$place"; return; fi
    list=$place.old/files.txt
    [ -e "$list" ] || list=$place/files.txt
    take_away "$place.old" "$list"
    if [ -e "$place.old" ]; then
        (cd -- "$place.old" && find . -type d -exec mkdir -p -- "$place/{}" ';' && find . ! -type d -exec mv -n -- {} "$place/{}" ';')
        find "$place.old" -depth -type d -empty -delete
    fi
    if [ -e "$place.old" ]; then
        echo "Files that are not the program's are in $place.old / 不属于本程序的文件留在 $place.old"
    fi
}

if [ "${1:-}" = remove ]; then
    rm -rf -- "$place.new"
    if [ -e "$place.old" ]; then settle_old; fi
    if [ -e "$place/files.txt" ]; then take_away "$place" "$place/files.txt"; fi
    if [ -e "$place" ]; then
        echo "Files that are not the program's stay in $place / 不属于本程序的文件留在 $place"
    fi
    rm -f -- "$share/applications/dianzhi.desktop" "$share/mime/packages/dianzhi.xml" \
        "$share/icons/hicolor/scalable/apps/dianzhi.svg"
    if [ -L "$bin/dianzhi" ]; then rm -f -- "$bin/dianzhi"; fi
    refresh
    echo "Dianzhi was removed; workspaces and settings stay. / 点值已卸载,工作区和设置保留。"
    exit 0
fi
[ -e "$here/files.txt" ] || { echo "Not unpacked whole. / 没有完整解开。" >&2; exit 2; }
[ "$here" != "$place" ] || { echo "This is the installed copy. / 这里就是已安装的程序。" >&2; exit 2; }

mkdir -p -- "$(dirname -- "$place")" "$bin" "$share/applications" "$share/mime/packages" "$share/icons/hicolor/scalable/apps"
# Copied beside and swapped: what fails half-way leaves the old version; a window that runs keeps the files that it has open.
rm -rf -- "$place.new"  # only files that are here too
if [ -e "$place.old" ]; then settle_old; fi
mkdir -- "$place.new"
tar -C "$here" -cf - -T "$here/files.txt" | tar -C "$place.new" -xf -
if [ -e "$place" ]; then mv -- "$place" "$place.old"; fi
mv -- "$place.new" "$place"
if [ -e "$place.old" ]; then settle_old; fi
ln -sfn -- "$place/dianzhi" "$bin/dianzhi"
# In a menu entry a path is quoted, and % said twice.
escaped=$(printf '%s' "$place/dianzhi" | sed 's/[\\"`$]/\\\\&/g; s/%/%%/g; s/[\\&|]/\\&/g')
sed "s|^Exec=dianzhi |Exec=\"$escaped\" |" "$here/share/applications/dianzhi.desktop" > "$share/applications/dianzhi.desktop"
cp -- "$here/share/mime/packages/dianzhi.xml" "$share/mime/packages/"
cp -- "$here/share/icons/hicolor/scalable/apps/dianzhi.svg" "$share/icons/hicolor/scalable/apps/"
refresh
echo "Dianzhi is in $place; start it from the menu or as $bin/dianzhi"
echo "点值已安装到 $place,可从菜单或用 $bin/dianzhi 启动"
