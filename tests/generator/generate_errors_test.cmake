# Each wrong call of udsrpc_generate fails to configure, with a message that says what is wrong.
# Arguments: MODULE, the file that defines it; GENERATOR, of build files; WORK, a directory for the projects.

# expect_error(NAME CALL MESSAGE): a project of two targets and one file that makes the call fails with the message.
function(expect_error name call message)
  set(dir "${WORK}/${name}")
  file(WRITE "${dir}/a.proto" "syntax = \"proto3\";")
  file(WRITE "${dir}/inner/b.proto" "syntax = \"proto3\";")
  file(WRITE "${dir}/c.txt" "")
  file(WRITE "${dir}/inner/CMakeLists.txt" "add_library(inner STATIC x.cc)\n")
  file(WRITE "${dir}/CMakeLists.txt"
       "cmake_minimum_required(VERSION 3.25)\nproject(errors LANGUAGES NONE)\ninclude(\"${MODULE}\")\n"
       "add_library(lib STATIC x.cc)\nadd_library(alias ALIAS lib)\nadd_library(interface INTERFACE)\n"
       "add_library(imported STATIC IMPORTED)\nadd_subdirectory(inner)\n"
       "${call}\nmessage(FATAL_ERROR \"no error\")\n")
  execute_process(COMMAND "${CMAKE_COMMAND}" -S "${dir}" -B "${dir}/build" -G "${GENERATOR}"
                  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  # CMake breaks lines within messages.
  string(REGEX REPLACE "[ \n]+" " " output "${output}")
  string(FIND "${output}" "${message}" found)
  if(result EQUAL 0 OR found EQUAL -1)
    message(SEND_ERROR "${name}: ${call}\nshould have failed with: ${message}\nbut said: ${output}")
  endif()
endfunction()

file(REMOVE_RECURSE "${WORK}")
expect_error(no_target "udsrpc_generate(PROTOS a.proto)" "no TARGET. Name the executable or library")
expect_error(empty_target "udsrpc_generate(TARGET PROTOS a.proto)" "no value follows TARGET")
expect_error(unknown_target "udsrpc_generate(TARGET nothing PROTOS a.proto)"
             "udsrpc_generate(TARGET nothing): there is no such target")
expect_error(alias "udsrpc_generate(TARGET alias PROTOS a.proto)" "the target is an alias. Name lib instead")
expect_error(interface "udsrpc_generate(TARGET interface PROTOS a.proto)" "the target compiles no sources")
expect_error(imported "udsrpc_generate(TARGET imported PROTOS a.proto)" "the target compiles no sources")
expect_error(elsewhere "udsrpc_generate(TARGET inner PROTOS a.proto)" "Call udsrpc_generate there")
expect_error(no_protos "udsrpc_generate(TARGET lib)" "udsrpc_generate(TARGET lib): no PROTOS")
expect_error(empty_protos "udsrpc_generate(TARGET lib PROTOS)" "no value follows PROTOS")
expect_error(unknown_argument "udsrpc_generate(lib PROTOS a.proto)" "unknown arguments: lib")
expect_error(missing_file "udsrpc_generate(TARGET lib PROTOS missing.proto)" "missing_file/missing.proto. PROTOS are")
expect_error(directory "udsrpc_generate(TARGET lib PROTOS inner)" "there is no file")
expect_error(no_proto "udsrpc_generate(TARGET lib PROTOS c.txt)" "c.txt does not end in .proto")
expect_error(outside "udsrpc_generate(TARGET lib PROTOS a.proto PROTO_ROOT inner)" "Set PROTO_ROOT to a directory")
expect_error(missing_root "udsrpc_generate(TARGET lib PROTOS a.proto PROTO_ROOT nowhere)" "PROTO_ROOT")
expect_error(missing_import "udsrpc_generate(TARGET lib PROTOS a.proto IMPORT_DIRS inner nowhere)"
             "missing_import/nowhere is not a directory")
expect_error(twice "udsrpc_generate(TARGET lib PROTOS a.proto inner/b.proto inner/../a.proto)" "a.proto was given twice")
file(REMOVE_RECURSE "${WORK}")
