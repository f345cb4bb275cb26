# A quarter of a build's time goes into reading the headers of other libraries. With UDSRPC_PRECOMPILE_HEADERS, as the
# presets for development and tests have it, they are read once. Not so in the others: a file that does not include what
# it uses is built with them by mistake, and fails there.

option(UDSRPC_PRECOMPILE_HEADERS "Read the headers of other libraries once, for quicker builds" OFF)

set(_udsrpc_library_headers
  <algorithm> <atomic> <chrono> <coroutine> <cstdint> <deque> <functional> <map> <memory> <optional> <string>
  <system_error> <thread> <utility> <vector>
  <absl/base/thread_annotations.h> <absl/functional/any_invocable.h> <absl/status/status.h> <absl/status/statusor.h>
  <absl/strings/match.h> <absl/strings/str_cat.h> <absl/strings/string_view.h> <absl/time/clock.h> <absl/time/time.h>
  <google/protobuf/generated_message_reflection.h> <google/protobuf/message.h> <google/protobuf/repeated_field.h>)
set(_udsrpc_program_headers ${_udsrpc_library_headers}
  <absl/flags/flag.h> <absl/flags/parse.h> <absl/strings/str_format.h> <absl/strings/str_split.h>)
set(_udsrpc_test_headers ${_udsrpc_library_headers} <gmock/gmock.h> <gtest/gtest.h>)
if(UDSRPC_WITH_GRPC)
  list(APPEND _udsrpc_program_headers <grpcpp/grpcpp.h>)
  list(APPEND _udsrpc_test_headers <grpcpp/grpcpp.h>)
endif()

# The compiled targets of the directory and of those below.
function(_udsrpc_targets_below directory result)
  set(found "")
  get_property(targets DIRECTORY "${directory}" PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(type MATCHES "EXECUTABLE|STATIC_LIBRARY|SHARED_LIBRARY|OBJECT_LIBRARY")
      list(APPEND found ${target})
    endif()
  endforeach()
  get_property(directories DIRECTORY "${directory}" PROPERTY SUBDIRECTORIES)
  foreach(below IN LISTS directories)
    _udsrpc_targets_below("${below}" more)
    list(APPEND found ${more})
  endforeach()
  set(${result} "${found}" PARENT_SCOPE)
endfunction()

# What Threads::Threads and GoogleTest's targets say, for targets that do not link them: GCC demands the same of all
# that share precompiled headers.
function(_udsrpc_compile_alike target kind)
  target_compile_options(${target} PRIVATE -pthread)
  if(kind STREQUAL "test")
    target_compile_definitions(${target} PRIVATE GTEST_HAS_PTHREAD=1)
  endif()
endfunction()

# udsrpc_precompile_headers(library | program | test DIRECTORY...): for the targets in and below the directories; of
# the kind library for those that are position-independent, as all libraries are, otherwise for the others. Their
# directories have this one's options; a target with more that matter sets its property UDSRPC_OWN_OPTIONS, and is left
# out.
function(udsrpc_precompile_headers kind)
  if(NOT UDSRPC_PRECOMPILE_HEADERS)
    return()
  endif()
  set(targets "")
  foreach(directory IN LISTS ARGN)
    _udsrpc_targets_below("${directory}" found)
    list(APPEND targets ${found})
  endforeach()
  set(pic OFF)
  if(kind STREQUAL "library")
    set(pic ON)
  endif()
  set(header udsrpc_${kind}_headers)
  file(CONFIGURE OUTPUT ${header}.cc CONTENT "")
  add_library(${header} OBJECT "${CMAKE_CURRENT_BINARY_DIR}/${header}.cc")
  set_target_properties(${header} PROPERTIES POSITION_INDEPENDENT_CODE ${pic})
  target_link_libraries(${header} PRIVATE udsrpc_flags Threads::Threads protobuf::libprotobuf)
  target_precompile_headers(${header} PRIVATE ${_udsrpc_${kind}_headers})
  _udsrpc_compile_alike(${header} ${kind})
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    # Or it takes those of a build in another directory for outdated.
    target_compile_options(${header} PRIVATE -Xclang -fno-pch-timestamp)
  endif()
  foreach(target IN LISTS targets)
    get_target_property(target_pic ${target} POSITION_INDEPENDENT_CODE)
    get_target_property(own_options ${target} UDSRPC_OWN_OPTIONS)
    if(NOT own_options AND (target_pic STREQUAL "${pic}" OR NOT (target_pic OR pic)))
      target_precompile_headers(${target} REUSE_FROM ${header})
      _udsrpc_compile_alike(${target} ${kind})
    endif()
  endforeach()
endfunction()
