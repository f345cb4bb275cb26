# Settings that all our own targets share.

if(NOT CMAKE_BUILD_TYPE AND PROJECT_IS_TOP_LEVEL)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(UDSRPC_CCACHE ccache)
if(UDSRPC_CCACHE AND PROJECT_IS_TOP_LEVEL)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${UDSRPC_CCACHE}")
endif()

add_library(udsrpc_flags INTERFACE)
target_compile_features(udsrpc_flags INTERFACE cxx_std_20)
target_include_directories(udsrpc_flags INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(udsrpc_flags INTERFACE -Wall -Wextra)
if(UDSRPC_WERROR)
  target_compile_options(udsrpc_flags INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(udsrpc_flags INTERFACE -Wthread-safety)
endif()

# Sanitizers must agree over the whole program, so they are global.
if(UDSRPC_SANITIZE)
  add_compile_options(-fsanitize=${UDSRPC_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${UDSRPC_SANITIZE})
  if(UDSRPC_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)  # Abseil's flags use a fence in a header, which GCC's ThreadSanitizer does not see
  endif()
endif()

if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Which GCC gives for names of unnamed namespaces wherever they are not in the very file that it was called with.
  add_compile_options(-Wno-subobject-linkage)
endif()

# udsrpc_add_library(NAME INCLUDE dir SOURCES ... LINK ...): one of our own static libraries.
function(udsrpc_add_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "INCLUDE" "SOURCES;LINK")
  add_library(${name} STATIC ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_compile_features(${name} PUBLIC cxx_std_20)
  if(arg_INCLUDE)
    target_include_directories(${name} PUBLIC "${CMAKE_CURRENT_SOURCE_DIR}/${arg_INCLUDE}")
  endif()
  target_link_libraries(${name} PUBLIC ${arg_LINK} PRIVATE $<BUILD_INTERFACE:udsrpc_flags>)
endfunction()
