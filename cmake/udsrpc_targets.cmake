# Settings that all our own targets share.

if(NOT CMAKE_BUILD_TYPE AND PROJECT_IS_TOP_LEVEL)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(UDSRPC_CCACHE ccache)
if(UDSRPC_CCACHE AND PROJECT_IS_TOP_LEVEL)
  # What it demands to be told before it caches files that use precompiled headers: that none of these has __TIME__ in
  # it, and that a macro which none of them uses may differ.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros "${UDSRPC_CCACHE}")
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
  if(UDSRPC_SANITIZE MATCHES "undefined" AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    # It writes the type in front of each function, and of a coroutine's parts where clang 14 cannot assemble it.
    add_compile_options(-fno-sanitize=function)
  endif()
endif()

if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Which GCC gives for names of unnamed namespaces wherever they are not in the very file that it was called with.
  add_compile_options(-Wno-subobject-linkage)
endif()

# udsrpc_add_library(NAME [INSTALL | PART_OF library] [INCLUDE dir] [SOURCES file...] [PARTS part...] [LINK library...]
#                    [PRIVATE_LINK library...]): one of our own libraries.
#
#   INSTALL       for users: static or, with BUILD_SHARED_LIBS, shared. udsrpc_x is installed as libudsrpc-x and
#                 exported as udsrpc::x. Without it the library is static, and for this build alone
#   PART_OF       its objects are a part of that library, which names it in PARTS. To link NAME is to link the whole
#   INCLUDE       a directory of public headers, all of which are installed with the library
#   PRIVATE_LINK  what no public header shows, so that nobody has to link it who links a shared library
function(udsrpc_add_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "INSTALL" "PART_OF;INCLUDE" "SOURCES;PARTS;LINK;PRIVATE_LINK")
  if(arg_PART_OF)
    _udsrpc_add_part(${name})
    return()
  endif()
  set(includes "")
  set(type STATIC)
  if(arg_INSTALL)
    set(type "")
  endif()
  add_library(${name} ${type} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON LINKER_LANGUAGE CXX)
  target_compile_features(${name} PUBLIC cxx_std_20)
  if(arg_INCLUDE)
    target_include_directories(${name} PUBLIC "$<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/${arg_INCLUDE}>")
    set(includes "${CMAKE_CURRENT_SOURCE_DIR}/${arg_INCLUDE}")
  endif()
  foreach(part IN LISTS arg_PARTS)
    _udsrpc_take_part(${name} ${part})
  endforeach()
  _udsrpc_replace_parts(arg_LINK)
  _udsrpc_replace_parts(arg_PRIVATE_LINK)
  list(REMOVE_ITEM arg_LINK ${name})
  target_link_libraries(${name} PUBLIC ${arg_LINK} PRIVATE ${arg_PRIVATE_LINK} $<BUILD_INTERFACE:udsrpc_flags>)
  if(arg_INSTALL)
    _udsrpc_set_shared_properties(${name})
    udsrpc_install_library(${name} INCLUDES ${includes} LINK ${arg_LINK} PRIVATE_LINK ${arg_PRIVATE_LINK})
  endif()
endfunction()

# A part is a library of objects, NAME_objects, which sees its like and links nothing; NAME stands for the whole.
macro(_udsrpc_add_part name)
  set(objects ${name}_objects)
  add_library(${objects} OBJECT ${arg_SOURCES})
  set_target_properties(${objects} PROPERTIES POSITION_INDEPENDENT_CODE ON UDSRPC_PART_OF "${arg_PART_OF}"
    UDSRPC_LINK "${arg_LINK}" UDSRPC_PRIVATE_LINK "${arg_PRIVATE_LINK}")
  target_compile_features(${objects} PUBLIC cxx_std_20)
  if(arg_INCLUDE)
    target_include_directories(${objects} PUBLIC "$<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/${arg_INCLUDE}>")
    set_target_properties(${objects} PROPERTIES UDSRPC_INCLUDE "${CMAKE_CURRENT_SOURCE_DIR}/${arg_INCLUDE}")
  endif()
  foreach(library IN LISTS arg_LINK arg_PRIVATE_LINK)
    if(TARGET ${library}_objects)
      set(library ${library}_objects)
    endif()
    target_link_libraries(${objects} PUBLIC ${library})
  endforeach()
  target_link_libraries(${objects} PRIVATE udsrpc_flags)
  add_library(${name} INTERFACE)
  target_link_libraries(${name} INTERFACE ${arg_PART_OF})
endmacro()

# Gives the library `name` the objects of `part`, and adds to its caller's lists what comes with them.
macro(_udsrpc_take_part name part)
  set(objects ${part}_objects)
  target_sources(${name} PRIVATE $<TARGET_OBJECTS:${objects}>)
  get_target_property(directories ${objects} INTERFACE_INCLUDE_DIRECTORIES)
  if(directories)
    target_include_directories(${name} PUBLIC ${directories})
  endif()
  get_target_property(directory ${objects} UDSRPC_INCLUDE)
  if(directory)
    list(APPEND includes "${directory}")
  endif()
  foreach(kind LINK PRIVATE_LINK)
    get_target_property(libraries ${objects} UDSRPC_${kind})
    list(APPEND arg_${kind} ${libraries})
  endforeach()
endmacro()

# Puts in the place of parts the libraries that have them, and in the place of other names a library's own.
function(_udsrpc_replace_parts list)
  set(libraries "")
  foreach(library IN LISTS ${list})
    if(library MATCHES "^udsrpc::" AND TARGET ${library})
      get_target_property(library ${library} ALIASED_TARGET)
    endif()
    if(TARGET ${library}_objects)
      get_target_property(library ${library}_objects UDSRPC_PART_OF)
    endif()
    list(APPEND libraries "${library}")
  endforeach()
  list(REMOVE_DUPLICATES libraries)
  set(${list} "${libraries}" PARENT_SCOPE)
endfunction()

# The names and, where it is shared, what is seen of a library that users link. Before 1.0 each minor version may change
# the binary interface, so the soname has it.
function(_udsrpc_set_shared_properties name)
  string(REPLACE "_" "-" output_name ${name})
  set_target_properties(${name} PROPERTIES OUTPUT_NAME ${output_name} VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} INSTALL_RPATH "$ORIGIN")
  get_target_property(type ${name} TYPE)
  if(type STREQUAL "SHARED_LIBRARY")
    set(symbols "${PROJECT_SOURCE_DIR}/cmake/udsrpc.symbols")
    target_link_options(${name} PRIVATE "-Wl,--version-script=${symbols}")
    set_target_properties(${name} PROPERTIES LINK_DEPENDS "${symbols}")
    if(NOT UDSRPC_SANITIZE)
      target_link_options(${name} PRIVATE -Wl,-z,defs)
    endif()
  endif()
endfunction()
