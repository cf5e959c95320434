@echo off
rem Starts sdsetup: double-click, or sdsetup.bat [arguments]. Nothing has to be installed first, and no
rem administrator is needed.
rem
rem It uses a Python on this PC, or downloads one with uv into sdsetup's own folder. The packages that
rem sdsetup needs go into a private environment there. Windows and your own Pythons stay as they are.
rem
rem How this file is written: ASCII, CRLF, no blocks around paths (a folder may hold parentheses), and no
rem path through `call` arguments (call expands % a second time). Programs are named by their full paths:
rem what lies beside this file or in the current folder, such as Downloads, is not ours to start.
setlocal EnableExtensions DisableDelayedExpansion
rem For all programs below, and for those that they start.
set "NoDefaultCurrentDirectoryInExePath=1"

rem uv, an installer of Pythons, by pinned address and SHA-256. At least nine independent projects pin the same
rem hash, one of them after checking it against the digest that GitHub shows for the release.
set "boot_uv_version=0.13.0"
set "boot_address=https://github.com/astral-sh/uv/releases/download/0.13.0"
rem Its maker's own host, where the first one does not answer.
set "boot_mirror=https://releases.astral.sh/github/uv/releases/download/0.13.0/uv-x86_64-pc-windows-msvc.zip"
set "boot_sha256=088962f9e7b7bd9ea740c04c650b2a21c8928c345bd99ac24350dc924dba656c"
set "boot_python_version=3.10"

rem Asked of a Python: are you one that can make our environment?
set "boot_ask=import sys,struct,sysconfig,ensurepip,venv; right=sys.implementation.name=='cpython' and sys.version_info[:2] in [(3,m) for m in range(10,15)] and struct.calcsize('P')==8 and 'MSC' in sys.version and not sysconfig.get_config_var('Py_GIL_DISABLED'); print('suits' if right else 'no')"

set "boot_rc=1"
set "boot_lang="
set "boot_words="
set "boot_value="
set "boot_away="
set "boot_python="
set "boot_args="
set "boot_tools=%SystemRoot%\System32"
set "ComSpec=%boot_tools%\cmd.exe"
call :clicked
if defined boot_clicked cd /d "%~dp0" 2>nul

if defined SDSETUP_DATA_DIR call :bare_data_dir
if not defined SDSETUP_DATA_DIR if not defined LOCALAPPDATA if not defined USERPROFILE goto :no_home
set "boot_data=%LOCALAPPDATA%\sdsetup"
if not defined LOCALAPPDATA set "boot_data=%USERPROFILE%\AppData\Local\sdsetup"
if defined SDSETUP_DATA_DIR set "boot_data=%SDSETUP_DATA_DIR%"
for %%D in ("%boot_data%") do set "boot_data=%%~fD"
if not defined SDSETUP_COMMAND set "SDSETUP_COMMAND=sdsetup.bat"

rem Explorer shows the inside of a .zip like a folder, and starts a file in there without its neighbours.
if not exist "%~dp0bootstrap\start.py" goto :alone

rem Until sdsetup itself starts we stand where nobody can have put a program: `for` starts a cmd of its own.
pushd "%boot_tools%"
set "boot_away=1"

rem --- the environment of an earlier start, unless it is damaged or its Python is gone ---
if not exist "%boot_data%\app\stamp.txt" goto :search
set "boot_try=%boot_data%\app\env\Scripts\python.exe"
if not exist "%boot_try%" goto :search
call :suits
if not defined boot_suits goto :search
set "boot_python=%boot_try%"
goto :start

rem --- a Python on this PC ---
:search
set "boot_major="
for /f "tokens=2 delims=[]" %%V in ('ver') do for /f "tokens=2 delims=. " %%M in ("%%V") do set "boot_major=%%M"
if "%boot_major%"=="5" goto :too_old
if "%boot_major%"=="6" goto :too_old
if /i "%PROCESSOR_ARCHITECTURE%"=="x86" if not defined PROCESSOR_ARCHITEW6432 goto :too_old
rem The launcher of new Pythons would fetch one when it has none.
set "PYTHON_MANAGER_AUTOMATIC_INSTALL=false"
call :try_brought
for %%V in (12 11 10 13 14) do call :try_version %%V
if defined PATH call :try_path
if defined boot_python goto :start

rem --- no Python: bring one ---
set "boot_then=bring_one"
goto :asked
:bring_one
call :bring
if not defined boot_python goto :end

:start
set "PYTHON_MANAGER_AUTOMATIC_INSTALL="
popd
set "boot_away="
"%boot_python%" %boot_args% -I "%~dp0bootstrap\start.py" %*
set "boot_rc=%ERRORLEVEL%"

:end
if defined boot_away popd
if not defined boot_clicked goto :leave
echo.
pause
:leave
endlocal & exit /b %boot_rc%

rem --- parts ---

:asked
rem Sets boot_lang to what follows --lang, and goes on at boot_then. Here, as only here are the arguments ours.
set "boot_word=%~1"
if defined boot_word set "boot_word=%boot_word:"=%"
if not defined boot_word goto :%boot_then%
if "%boot_word%"=="--" goto :%boot_then%
shift /1
if "%boot_word%"=="--lang" set "boot_lang=%~1"
goto :asked

:say
rem One line, translated where boot_words has it ("English=translation"), and boot_value behind it.
if not defined boot_words call :words
set "boot_said=%~1"
if not exist "%boot_words%" goto :say_it
for /f "usebackq tokens=1* delims==" %%A in ("%boot_words%") do if "%%A"=="%~1" set "boot_said=%%B"
:say_it
if defined boot_value goto :say_with_value
>&2 echo %boot_said%
exit /b
:say_with_value
>&2 echo %boot_said% "%boot_value%"
set "boot_value="
exit /b

:words
rem Sets boot_words to the lines in the user's language and in the letters of this console, where there are such.
if not defined boot_lang if defined SDSETUP_LANG set "boot_lang=%SDSETUP_LANG%"
if defined boot_lang set "boot_lang=%boot_lang:"=%"
if not defined boot_lang call :words_of "HKCU\Control Panel\Desktop" PreferredUILanguages
if not defined boot_lang call :words_of "HKCU\Control Panel\Desktop\MuiCached" MachinePreferredUILanguages
for /f "delims=-_.\ " %%L in ("%boot_lang%") do set "boot_lang=%%L"
set "boot_page="
for /f "tokens=2 delims=:." %%P in ('^""%boot_tools%\chcp.com" 2^>nul^"') do set "boot_page=%%P"
set "boot_words=%~dp0bootstrap\words\%boot_lang%.%boot_page: =%.txt"
exit /b
:words_of
for /f "tokens=1,3" %%A in ('^""%boot_tools%\reg.exe" query %1 /v %2 2^>nul^"') do if "%%A"=="%2" set "boot_lang=%%B"
exit /b

:clicked
rem Explorer starts a .bat as  cmd /c ""C:\folder\sdsetup.bat" "  and closes the window at its end.
set "boot_clicked="
if not defined CMDCMDLINE exit /b
set "boot_line=%CMDCMDLINE:"=%"
set "boot_name=%~nx0 "
if /i "%boot_line:~-12%"=="%boot_name:~-12%" set "boot_clicked=1"
exit /b

:bare_data_dir
set "SDSETUP_DATA_DIR=%SDSETUP_DATA_DIR:"=%"
exit /b

:try
set "boot_args="
:try_with_args
rem Is boot_try a CPython that can make our environment? Never the stand-in of the Store, nor the Store's
rem own Python, whose application folder is not the real one. Where it comes from may hold quotes.
if defined boot_python exit /b
if not defined boot_try exit /b
set "boot_try=%boot_try:"=%"
if not defined boot_try exit /b
if not "%boot_try:~1,2%"==":\" exit /b
if not exist "%boot_try%" exit /b
if not "%boot_try:\WindowsApps\=%"=="%boot_try%" exit /b
call :suits
if defined boot_suits set "boot_python=%boot_try%"
exit /b

:try_brought
if not exist "%boot_data%\tools\python" exit /b
pushd "%boot_data%\tools\python"
for /d %%D in (cpython-%boot_python_version%*) do (
  set "boot_try=%boot_data%\tools\python\%%D\python.exe"
  call :try
)
popd
exit /b

:try_version
if defined boot_python exit /b
set "boot_key=HKCU\Software\Python\PythonCore\3.%1\InstallPath"
call :try_key
set "boot_key=HKLM\Software\Python\PythonCore\3.%1\InstallPath"
call :try_key
set "boot_try=%LOCALAPPDATA%\Programs\Python\Python3%1\python.exe"
call :try
set "boot_try=%LOCALAPPDATA%\Python\pythoncore-3.%1-64\python.exe"
call :try
set "boot_try=%ProgramFiles%\Python3%1\python.exe"
call :try
set "boot_try=%SystemDrive%\Python3%1\python.exe"
call :try
if defined boot_python exit /b
rem The launcher: what it knows does not go through reg, which loses foreign letters.
set "boot_args=-3.%1"
set "boot_try=%SystemRoot%\py.exe"
call :try_with_args
set "boot_try=%LOCALAPPDATA%\Programs\Python\Launcher\py.exe"
call :try_with_args
exit /b

:try_path
rem Each folder of PATH, but for this one and those that are not full paths. where.exe would look into the
rem current folder first.
set "boot_rest=.;%PATH:"=%"
:try_path_next
if defined boot_python exit /b
if not defined boot_rest exit /b
set "boot_folder="
for /f "tokens=1* delims=;" %%A in ("%boot_rest%") do (
  set "boot_folder=%%A"
  set "boot_rest=%%B"
)
if not defined boot_folder exit /b
if "%boot_folder:~-1%"=="\" set "boot_folder=%boot_folder:~0,-1%"
if /i "%boot_folder%\"=="%~dp0" goto :try_path_next
for %%N in (python.exe python3.exe) do (
  set "boot_name=%%N"
  call :try_in_folder
)
goto :try_path_next
:try_in_folder
set "boot_try=%boot_folder%\%boot_name%"
goto :try

:try_key
if defined boot_python exit /b
for /f "tokens=2,*" %%A in ('^""%boot_tools%\reg.exe" query "%boot_key%" /v ExecutablePath /reg:64 2^>nul^"') do (
  if "%%A"=="REG_SZ" set "boot_try=%%B"
  if "%%A"=="REG_SZ" call :try
)
exit /b

:suits
rem Sets boot_suits where boot_try with boot_args runs and says so itself; a missing or damaged one never does.
rem The cmd of `for` puts boot_try in, so that signs in it are read once.
set "boot_suits="
for /f %%S in ('^""%%boot_try%%" %boot_args% -I -c "%boot_ask%" 2^>nul^"') do if "%%S"=="suits" set "boot_suits=1"
exit /b

:bring
if defined SDSETUP_UV_ADDRESS set "boot_address=%SDSETUP_UV_ADDRESS:"=%"
if defined SDSETUP_UV_SHA256 set "boot_sha256=%SDSETUP_UV_SHA256%"
set "boot_address=%boot_address%/uv-x86_64-pc-windows-msvc.zip"
rem What stands before an @ is a name for the server, not the server.
if not "%boot_address:@=%"=="%boot_address%" goto :bring_not
if /i "%boot_address:~0,8%"=="https://" goto :bring_uv
if /i "%boot_address:~0,17%"=="http://127.0.0.1:" goto :bring_uv
:bring_not
call :say "uv was not downloaded."
set "boot_value=%boot_address%"
call :say "where:"
call :say "why: the address is not https"
call :say "fix: unset SDSETUP_UV_ADDRESS, then start again."
exit /b
:bring_uv
set "boot_uv=%boot_data%\tools\uv-%boot_uv_version%\uv.exe"
if exist "%boot_uv%" goto :bring_python
call :say "Downloading uv (20 MB), which installs a Python for sdsetup."
set "boot_part=%boot_data%\tools\uv-%boot_uv_version%.part"
if exist "%boot_part%" rmdir /s /q "%boot_part%"
mkdir "%boot_part%" 2>nul
if not exist "%boot_part%" goto :no_folder
pushd "%boot_part%"
call :fetch
if not exist uv.zip if not defined SDSETUP_UV_ADDRESS call :fetch_mirror
if not exist uv.zip goto :no_download
call :hash
if not defined boot_right goto :wrong_file
call :unpack
if not exist uv.exe goto :no_download
popd
if exist "%boot_data%\tools\uv-%boot_uv_version%" rmdir /s /q "%boot_data%\tools\uv-%boot_uv_version%"
move /y "%boot_part%" "%boot_data%\tools\uv-%boot_uv_version%" >nul
if not exist "%boot_uv%" goto :no_folder
del "%boot_data%\tools\uv-%boot_uv_version%\uv.zip" 2>nul

:bring_python
set "boot_value=%boot_data%\tools\python"
call :say "Downloading Python (30 MB) into this folder:"
set "UV_PYTHON_INSTALL_DIR=%boot_data%\tools\python"
set "UV_PYTHON_INSTALL_BIN=0"
set "UV_PYTHON_INSTALL_REGISTRY=0"
set "UV_NO_CACHE=1"
rem In a folder of ours: uv reads a uv.toml that lies in the current one.
pushd "%boot_data%\tools"
"%boot_uv%" python install %boot_python_version%
popd
for %%N in (UV_PYTHON_INSTALL_DIR UV_PYTHON_INSTALL_BIN UV_PYTHON_INSTALL_REGISTRY UV_NO_CACHE) do set "%%N="
call :try_brought
if defined boot_python exit /b
>&2 echo.
call :say "Python could not be downloaded."
call :say "why: the download failed, see the message above"
call :say "fix: check your internet connection and proxy, or install Python 3.10 or newer from python.org, then start again."
exit /b

:fetch_mirror
set "boot_address=%boot_mirror%"
:fetch
if not exist "%boot_tools%\curl.exe" goto :fetch_old
"%boot_tools%\curl.exe" --fail --location --silent --show-error --retry 3 --connect-timeout 20 --proto-redir =https --output uv.zip "%boot_address%"
if not "%ERRORLEVEL%"=="0" del uv.zip 2>nul
if exist uv.zip exit /b
:fetch_old
"%boot_tools%\WindowsPowerShell\v1.0\powershell.exe" -NoProfile -ExecutionPolicy Bypass -Command "[Net.ServicePointManager]::SecurityProtocol='Tls12'; try { (New-Object Net.WebClient).DownloadFile($env:boot_address, (Join-Path (Get-Location) 'uv.zip')) } catch { Remove-Item uv.zip -ErrorAction SilentlyContinue; [Console]::Error.WriteLine($_.Exception.Message) }"
exit /b

:hash
rem Sets boot_right where a line that certutil prints is the pinned hash. Old ones print blanks between the bytes.
set "boot_right="
set "boot_asked="
for /f "delims=" %%H in ('^""%boot_tools%\certutil.exe" -hashfile uv.zip SHA256 2^>nul^"') do (
  set "boot_line=%%H"
  call :hash_line
)
if defined boot_asked exit /b
for /f "delims=" %%H in ('^""%boot_tools%\WindowsPowerShell\v1.0\powershell.exe" -NoProfile -Command "(Get-FileHash uv.zip -Algorithm SHA256).Hash" 2^>nul^"') do (
  set "boot_line=%%H"
  call :hash_line
)
exit /b
:hash_line
set "boot_asked=1"
if /i "%boot_line: =%"=="%boot_sha256%" set "boot_right=1"
exit /b

:unpack
if exist "%boot_tools%\tar.exe" "%boot_tools%\tar.exe" -xf uv.zip
if exist uv.exe exit /b
"%boot_tools%\WindowsPowerShell\v1.0\powershell.exe" -NoProfile -ExecutionPolicy Bypass -Command "Expand-Archive uv.zip . -Force"
exit /b

:no_download
popd
>&2 echo.
call :say "Python 3.10 or newer was not found, and uv, which installs one, could not be downloaded."
set "boot_value=%boot_address%"
call :say "where:"
call :say "why: the download failed, see the message above"
call :say "fix: check your internet connection and proxy, or install Python 3.10 or newer from python.org, then start again."
exit /b

:wrong_file
del uv.zip 2>nul
popd
>&2 echo.
call :say "The downloaded file is not the expected one and was not used."
set "boot_value=%boot_address%"
call :say "where:"
set "boot_value=%boot_sha256%"
call :say "why: its SHA-256 is not the expected"
call :say "fix: start again. If that fails, use another network: a proxy or an antivirus changes downloads."
exit /b

:no_folder
>&2 echo.
call :say "Can't write to sdsetup's folder."
set "boot_value=%boot_data%\tools"
call :say "where:"
call :say "fix: free up space on that drive or unlock the folder, then start again."
exit /b

:alone
set "boot_then=alone_said"
goto :asked
:alone_said
set "boot_value=%~dp0"
if not "%boot_value:~220,1%"=="" goto :too_deep
set "boot_value="
call :say "This file was started without the rest of its folder."
set "boot_value=%~dp0"
call :say "where:"
call :say "fix: extract the whole .zip (right-click, 'Extract All'), then start sdsetup.bat in the extracted folder."
goto :end

:too_deep
set "boot_value="
call :say "The path of this folder is too long for Windows."
set "boot_value=%~dp0"
call :say "where:"
call :say "fix: move the folder to a short path, such as C:\sdsetup, then start again."
goto :end

:no_home
set "boot_then=no_home_said"
goto :asked
:no_home_said
call :say "Home folder not found."
call :say "why: neither LOCALAPPDATA nor USERPROFILE is set"
call :say "fix: double-click sdsetup.bat, or set SDSETUP_DATA_DIR to a folder for sdsetup."
goto :end

:too_old
set "boot_then=too_old_said"
goto :asked
:too_old_said
call :say "sdsetup needs 64-bit Windows 10 or 11. The web UI's libraries do not run on this version."
goto :end
