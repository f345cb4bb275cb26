# udsrpc_generate: C++ from .proto files, as a part of a target.
#
#   udsrpc_generate(TARGET target PROTOS file... [IMPORT_DIRS dir...] [PROTO_ROOT dir])
#
# Runs protoc on each file with its own C++ generator and with protoc-gen-udsrpc, and adds x.pb.h, x.pb.cc,
# x.udsrpc.pb.h and x.udsrpc.pb.cc to TARGET, an executable or a library that the same directory has added. What uses a
# library can include its generated headers as well. They are generated again when a file, one that it imports, or the
# generator changes.
#
#   PROTOS       relative to the current source directory
#   PROTO_ROOT   what #include and import name the files relative to; default: the current source directory
#   IMPORT_DIRS  where to look for what they import beside PROTO_ROOT and protobuf's own. It is not generated here: link
#                the library that has it
#
# The output goes to a directory of the target's own, so two targets may generate from the same file; a program that
# links both would register its messages twice, which protobuf forbids.

# The function behaves alike whatever the user's cmake_minimum_required is.
cmake_policy(VERSION 3.25)

function(udsrpc_generate)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "TARGET;PROTO_ROOT" "PROTOS;IMPORT_DIRS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "udsrpc_generate: unknown arguments: ${arg_UNPARSED_ARGUMENTS}. It takes TARGET, PROTOS, "
                        "IMPORT_DIRS and PROTO_ROOT.")
  endif()
  if(arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "udsrpc_generate: no value follows ${arg_KEYWORDS_MISSING_VALUES}.")
  endif()
  if(NOT DEFINED arg_TARGET)
    message(FATAL_ERROR "udsrpc_generate: no TARGET. Name the executable or library that gets the code.")
  endif()
  if(NOT DEFINED arg_PROTOS)
    message(FATAL_ERROR "udsrpc_generate(TARGET ${arg_TARGET}): no PROTOS. Name at least one .proto file.")
  endif()
  set(where "udsrpc_generate(TARGET ${arg_TARGET})")
  _udsrpc_check_target("${where}" "${arg_TARGET}")

  set(root "${CMAKE_CURRENT_SOURCE_DIR}")
  if(DEFINED arg_PROTO_ROOT)
    _udsrpc_absolute_directory("${where}" PROTO_ROOT "${arg_PROTO_ROOT}" root)
  endif()
  set(proto_path "--proto_path=${root}")
  foreach(dir IN LISTS arg_IMPORT_DIRS)
    _udsrpc_absolute_directory("${where}" IMPORT_DIRS "${dir}" dir)
    list(APPEND proto_path "--proto_path=${dir}")
  endforeach()

  get_target_property(out "${arg_TARGET}" BINARY_DIR)
  string(APPEND out "/${arg_TARGET}.udsrpc")
  foreach(proto IN LISTS arg_PROTOS)
    _udsrpc_generate_file("${where}" "${arg_TARGET}" "${proto}" "${root}" "${proto_path}" "${out}")
  endforeach()

  get_target_property(type "${arg_TARGET}" TYPE)
  set(visibility PUBLIC)
  if(type STREQUAL "EXECUTABLE")
    set(visibility PRIVATE)
  endif()
  # Before it exists: CMake would take a missing include directory of the user's for an error.
  file(MAKE_DIRECTORY "${out}")
  target_include_directories("${arg_TARGET}" ${visibility} "$<BUILD_INTERFACE:${out}>")
  target_link_libraries("${arg_TARGET}" ${visibility} udsrpc::generated)
endfunction()

# Fails where `target` cannot be given sources from the current directory.
function(_udsrpc_check_target where target)
  if(NOT TARGET "${target}")
    message(FATAL_ERROR "${where}: there is no such target. Call add_executable or add_library first.")
  endif()
  get_target_property(aliased "${target}" ALIASED_TARGET)
  if(aliased)
    message(FATAL_ERROR "${where}: the target is an alias. Name ${aliased} instead.")
  endif()
  get_target_property(imported "${target}" IMPORTED)
  get_target_property(type "${target}" TYPE)
  if(imported OR NOT type MATCHES "^(EXECUTABLE|(STATIC|SHARED|MODULE|OBJECT)_LIBRARY)$")
    message(FATAL_ERROR "${where}: the target compiles no sources. Name an executable or a library that does.")
  endif()
  # Custom commands are known only to the targets of the directory that adds them.
  get_target_property(source_dir "${target}" SOURCE_DIR)
  if(NOT source_dir STREQUAL CMAKE_CURRENT_SOURCE_DIR)
    message(FATAL_ERROR "${where}: the target was added in ${source_dir}. Call udsrpc_generate there.")
  endif()
endfunction()

function(_udsrpc_absolute_directory where argument dir out_var)
  cmake_path(ABSOLUTE_PATH dir BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE)
  if(NOT IS_DIRECTORY "${dir}")
    message(FATAL_ERROR "${where}: ${argument} ${dir} is not a directory.")
  endif()
  # protoc compares paths as they are written.
  string(REGEX REPLACE "(.)/$" "\\1" dir "${dir}")
  set(${out_var} "${dir}" PARENT_SCOPE)
endfunction()

# Adds the code of one file to `target`, generated into `out`.
function(_udsrpc_generate_file where target proto root proto_path out)
  cmake_path(ABSOLUTE_PATH proto BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE)
  get_source_file_property(generated "${proto}" GENERATED)
  if(NOT generated AND (NOT EXISTS "${proto}" OR IS_DIRECTORY "${proto}"))
    message(FATAL_ERROR "${where}: there is no file ${proto}. PROTOS are relative to the current source directory.")
  endif()
  cmake_path(IS_PREFIX root "${proto}" NORMALIZE within)
  if(NOT within)
    message(FATAL_ERROR "${where}: ${proto} is outside ${root}. Set PROTO_ROOT to a directory that holds it.")
  endif()
  cmake_path(RELATIVE_PATH proto BASE_DIRECTORY "${root}" OUTPUT_VARIABLE name)
  if(NOT name MATCHES "\\.proto$")
    message(FATAL_ERROR "${where}: the name of ${proto} does not end in .proto.")
  endif()
  string(REGEX REPLACE "\\.proto$" "" base "${name}")

  get_target_property(bases "${target}" UDSRPC_GENERATED)
  if(base IN_LIST bases)
    message(FATAL_ERROR "${where}: ${name} was given twice.")
  endif()
  set_property(TARGET "${target}" APPEND PROPERTY UDSRPC_GENERATED "${base}")

  cmake_path(REPLACE_FILENAME CMAKE_CURRENT_FUNCTION_LIST_FILE udsrpc_escape_depfile.cmake
             OUTPUT_VARIABLE escape_depfile)
  # In the order in which protoc lists them in the depfile: Ninja wants the first to be the same.
  set(outputs "${out}/${base}.pb.cc" "${out}/${base}.pb.h" "${out}/${base}.udsrpc.pb.cc" "${out}/${base}.udsrpc.pb.h")
  cmake_path(GET base PARENT_PATH subdirectory)
  file(MAKE_DIRECTORY "${out}/${subdirectory}")
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND protobuf::protoc "--plugin=protoc-gen-udsrpc=$<TARGET_FILE:udsrpc::protoc-gen-udsrpc>"
            "--cpp_out=${out}" "--udsrpc_out=${out}" ${proto_path} "--dependency_out=${out}/${base}.d" "${proto}"
    COMMAND "${CMAKE_COMMAND}" "-DDEPFILE=${out}/${base}.d" -P "${escape_depfile}"
    DEPENDS "${proto}" udsrpc::protoc-gen-udsrpc protobuf::protoc
    DEPFILE "${out}/${base}.d"
    COMMENT "Generating C++ from ${name} for ${target}"
    VERBATIM)
  # What protoc makes has names in common with its likes.
  set_source_files_properties("${out}/${base}.pb.cc" PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  target_sources("${target}" PRIVATE ${outputs})
endfunction()
