# Runs the plugin on every .proto of PROTOS and compares what it generates with GOLDEN, byte for byte. With UPDATE in
# the environment it writes GOLDEN anew instead.

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
file(GLOB_RECURSE files RELATIVE "${PROTOS}" "${PROTOS}/*.proto")
execute_process(
  COMMAND "${PROTOC}" "--plugin=protoc-gen-udsrpc=${PLUGIN}" "--proto_path=${PROTOS}" "--udsrpc_out=${WORK}" ${files}
  WORKING_DIRECTORY "${PROTOS}" RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "protoc failed: ${failed}")
endif()

if(DEFINED ENV{UPDATE})
  file(GLOB_RECURSE old "${GOLDEN}/*.udsrpc.pb.*")
  if(old)
    file(REMOVE ${old})
  endif()
  file(COPY "${WORK}/" DESTINATION "${GOLDEN}")
else()
  execute_process(COMMAND diff --recursive --new-file --unified --exclude=.clang-format "${GOLDEN}" "${WORK}"
                  RESULT_VARIABLE differs)
endif()
file(REMOVE_RECURSE "${WORK}")
if(differs)
  message(FATAL_ERROR "The generated code is not that of tests/generator/golden (diff above). If it is as intended: "
                      "cmake --build BUILD_DIR --target generator_update_golden")
endif()
