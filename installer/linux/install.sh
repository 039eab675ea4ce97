#!/bin/sh
# Installs Dianzhi for this user, without root and without a network; the folder also runs where it lies: ./dianzhi
#   ./install.sh            into ~/.local/opt/dianzhi, with menu entry; an older version there is replaced
#   ./install.sh remove   takes the program away again
# Workspaces, settings and logs are elsewhere and are never touched.
set -eu
here=$(dirname -- "$(readlink -f -- "$0")")
share=${XDG_DATA_HOME:-$HOME/.local/share}
bin=$HOME/.local/bin
place=$HOME/.local/opt/dianzhi

refresh() {
    if command -v update-mime-database >/dev/null; then update-mime-database "$share/mime" || true; fi
    if command -v update-desktop-database >/dev/null; then update-desktop-database -q "$share/applications" || true; fi
}

if [ "${1:-}" = remove ]; then
    rm -rf -- "$place" "$place.new" "$place.old"
    rm -f -- "$share/applications/dianzhi.desktop" "$share/mime/packages/dianzhi.xml" \
        "$share/icons/hicolor/scalable/apps/dianzhi.svg"
    if [ -L "$bin/dianzhi" ]; then rm -f -- "$bin/dianzhi"; fi
    refresh
    echo "Dianzhi was removed; workspaces and settings stay. / 点值已卸载,工作区和设置保留。"
    exit 0
fi
[ "$here" != "$place" ] || { echo "This is the installed copy. / 这里就是已安装的程序。" >&2; exit 2; }

mkdir -p -- "$(dirname -- "$place")" "$bin" "$share/applications" "$share/mime/packages" "$share/icons/hicolor/scalable/apps"
# Copied beside and swapped: what fails half-way leaves the old version; a window that runs keeps the files that it has open.
rm -rf -- "$place.new" "$place.old"
cp -R -- "$here" "$place.new"
if [ -e "$place" ]; then mv -- "$place" "$place.old"; fi
mv -- "$place.new" "$place"
rm -rf -- "$place.old"
ln -sfn -- "$place/dianzhi" "$bin/dianzhi"
# In a menu entry a path is quoted, and % said twice.
escaped=$(printf '%s' "$place/dianzhi" | sed 's/[\\"`$]/\\\\&/g; s/%/%%/g; s/[\\&|]/\\&/g')
sed "s|^Exec=dianzhi |Exec=\"$escaped\" |" "$here/share/applications/dianzhi.desktop" > "$share/applications/dianzhi.desktop"
cp -- "$here/share/mime/packages/dianzhi.xml" "$share/mime/packages/"
cp -- "$here/share/icons/hicolor/scalable/apps/dianzhi.svg" "$share/icons/hicolor/scalable/apps/"
refresh
echo "Dianzhi is in $place; start it from the menu or as $bin/dianzhi"
echo "点值已安装到 $place,可从菜单或用 $bin/dianzhi 启动"
