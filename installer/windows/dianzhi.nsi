; Installs for one user, without administrator: %LOCALAPPDATA%\Programs\Dianzhi, Start menu, files .dianzhi and .dz, uninstaller.
; Defined by windows.py: VERSION PAYLOAD REMOVAL OUT ICON KILOBYTES [STORE]

Unicode true
!ifdef STORE
  SetCompress off
!else
  SetCompressor /SOLID lzma
!endif
!include MUI2.nsh
!include x64.nsh
!include WinVer.nsh

Name "$(NAME)"
OutFile "${OUT}"
RequestExecutionLevel user
InstallDir "$LOCALAPPDATA\Programs\Dianzhi"
InstallDirRegKey HKCU "Software\Dianzhi" "Folder"
BrandingText "Dianzhi ${VERSION}"
ManifestDPIAware true

!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\Dianzhi"
!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_LANGDLL_REGISTRY_ROOT HKCU
!define MUI_LANGDLL_REGISTRY_KEY "Software\Dianzhi"
!define MUI_LANGDLL_REGISTRY_VALUENAME "Language"
!define MUI_FINISHPAGE_RUN "$INSTDIR\python\pythonw.exe"
!define MUI_FINISHPAGE_RUN_PARAMETERS '$\"$INSTDIR\main.py$\"'

!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_LICENSE "${PAYLOAD}/LICENSE"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "SimpChinese"
!insertmacro MUI_LANGUAGE "English"
!insertmacro MUI_RESERVEFILE_LANGDLL

LangString NAME ${LANG_SIMPCHINESE} "点值"
LangString NAME ${LANG_ENGLISH} "Dianzhi"
LangString WORKSPACE ${LANG_SIMPCHINESE} "点值工作区"
LangString WORKSPACE ${LANG_ENGLISH} "Dianzhi workspace"
LangString RUNNING ${LANG_SIMPCHINESE} "点值正在运行。请关闭所有点值窗口，然后点“重试”。"
LangString RUNNING ${LANG_ENGLISH} "Dianzhi is running. Close all its windows, then choose Retry."
LangString ONLY64 ${LANG_SIMPCHINESE} "点值需要 64 位 Windows 10（1809）或更新版本。"
LangString ONLY64 ${LANG_ENGLISH} "Dianzhi needs 64-bit Windows 10 (1809) or later."
LangString FAILED ${LANG_SIMPCHINESE} "文件没有全部写入，请检查磁盘空间后重新运行安装程序。"
LangString FAILED ${LANG_ENGLISH} "Not all files could be written. Check the disk's free space and run the installer again."

; A program that runs holds its library open: where it cannot be opened for writing, somebody still works with it.
!macro WAIT_UNTIL_CLOSED un
Function ${un}WaitUntilClosed
  again:
  IfFileExists "$INSTDIR\python\python311.dll" 0 closed
  ClearErrors
  FileOpen $0 "$INSTDIR\python\python311.dll" a
  IfErrors running
  FileClose $0
  Goto closed
  running:
  MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "$(RUNNING)" /SD IDCANCEL IDRETRY again
  SetErrorLevel 3
  Quit
  closed:
FunctionEnd
!macroend
!insertmacro WAIT_UNTIL_CLOSED ""
!insertmacro WAIT_UNTIL_CLOSED "un."

Function .onInit
  ${IfNot} ${RunningX64}
  ${OrIfNot} ${AtLeastBuild} 17763 ; what Qt asks for
    MessageBox MB_OK|MB_ICONSTOP "$(ONLY64)" /SD IDOK
    SetErrorLevel 3
    Quit
  ${EndIf}
  !insertmacro MUI_LANGDLL_DISPLAY
FunctionEnd

Function un.onInit
  !insertmacro MUI_UNGETLANGUAGE
FunctionEnd

Section
  SetShellVarContext current
  Call WaitUntilClosed
  ; The older version's own uninstaller knows its files; only those go. `_?=` lets it run in place, so that it can be waited for.
  IfFileExists "$INSTDIR\uninstall.exe" 0 fresh
  ExecWait '"$INSTDIR\uninstall.exe" /S _?=$INSTDIR'
  fresh:
  ClearErrors
  SetOutPath "$INSTDIR"
  File /r "${PAYLOAD}/*"
  File "/oname=dianzhi.ico" "${ICON}"
  IfErrors 0 written
  MessageBox MB_OK|MB_ICONSTOP "$(FAILED)" /SD IDOK
  SetErrorLevel 3
  Quit
  written:
  WriteUninstaller "$INSTDIR\uninstall.exe"

  SetOutPath "$DOCUMENTS"
  CreateShortCut "$SMPROGRAMS\$(NAME).lnk" "$INSTDIR\python\pythonw.exe" '"$INSTDIR\main.py"' "$INSTDIR\dianzhi.ico"
  WriteRegStr HKCU "Software\Dianzhi" "Folder" "$INSTDIR"
  WriteRegStr HKCU "Software\Dianzhi" "Shortcut" "$SMPROGRAMS\$(NAME).lnk"

  WriteRegStr HKCU "Software\Classes\.dianzhi" "" "Dianzhi.Workspace"
  WriteRegStr HKCU "Software\Classes\.dz\OpenWithProgids" "Dianzhi.Workspace" ""
  WriteRegStr HKCU "Software\Classes\Dianzhi.Workspace" "" "$(WORKSPACE)"
  WriteRegStr HKCU "Software\Classes\Dianzhi.Workspace\DefaultIcon" "" "$INSTDIR\dianzhi.ico"
  WriteRegStr HKCU "Software\Classes\Dianzhi.Workspace\shell\open\command" "" '"$INSTDIR\python\pythonw.exe" "$INSTDIR\main.py" "%1"'
  System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)'

  WriteRegStr HKCU "${UNINSTALL}" "DisplayName" "$(NAME)"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayIcon" "$INSTDIR\dianzhi.ico"
  WriteRegStr HKCU "${UNINSTALL}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL}" "EstimatedSize" ${KILOBYTES}
  WriteRegDWORD HKCU "${UNINSTALL}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL}" "NoRepair" 1
SectionEnd

; Only what was installed, file by file. Settings and logs (%LOCALAPPDATA%\dianzhi) and workspaces are the user's.
Section "Uninstall"
  SetShellVarContext current
  Call un.WaitUntilClosed
  !include "${REMOVAL}"
  Delete "$INSTDIR\dianzhi.ico"
  Delete "$INSTDIR\uninstall.exe"
  SetOutPath "$TEMP"
  RMDir "$INSTDIR"
  ReadRegStr $0 HKCU "Software\Dianzhi" "Shortcut"
  StrCmp $0 "" +2
  Delete "$0"
  ReadRegStr $0 HKCU "Software\Classes\.dianzhi" ""
  StrCmp $0 "Dianzhi.Workspace" 0 +2
  DeleteRegKey HKCU "Software\Classes\.dianzhi"
  DeleteRegValue HKCU "Software\Classes\.dz\OpenWithProgids" "Dianzhi.Workspace"
  DeleteRegKey HKCU "Software\Classes\Dianzhi.Workspace"
  DeleteRegKey HKCU "Software\Dianzhi"
  DeleteRegKey HKCU "${UNINSTALL}"
SectionEnd
