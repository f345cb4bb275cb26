# What `cmake --install` installs, and how others find it: the CMake package udsrpc, a pkg-config file a library, and
# Debian packages (`cpack -G DEB`). Nothing that is installed has a path of this build in it.

if(UDSRPC_INSTALL)
  include(GNUInstallDirs)
  include(CMakePackageConfigHelpers)
  set(UDSRPC_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/udsrpc")
endif()

# udsrpc_install_library(NAME [INCLUDES dir...] [LINK library...] [PRIVATE_LINK library...])
#
# For udsrpc_add_library. There are two sets of targets: those of libraries that need gRPC are read only by programs
# that ask for one of them.
function(udsrpc_install_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "INCLUDES;LINK;PRIVATE_LINK")
  if(NOT UDSRPC_INSTALL)
    return()
  endif()
  string(REGEX REPLACE "^udsrpc_" "" export_name ${name})
  set(set udsrpc)
  foreach(library IN LISTS arg_LINK arg_PRIVATE_LINK)
    get_property(grpc_libraries GLOBAL PROPERTY UDSRPC_LIBRARIES_udsrpc-grpc)
    if(library MATCHES "^gRPC::" OR library IN_LIST grpc_libraries)
      set(set udsrpc-grpc)
    endif()
  endforeach()
  set_property(GLOBAL APPEND PROPERTY UDSRPC_LIBRARIES_${set} ${name})
  set_property(GLOBAL APPEND PROPERTY UDSRPC_COMPONENTS_${set} ${export_name})

  set_target_properties(${name} PROPERTIES EXPORT_NAME ${export_name})
  install(TARGETS ${name} EXPORT ${set}-targets
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT udsrpc_runtime NAMELINK_COMPONENT udsrpc_dev
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT udsrpc_dev
    INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  foreach(directory IN LISTS arg_INCLUDES)
    install(DIRECTORY "${directory}/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT udsrpc_dev
      FILES_MATCHING PATTERN "*.h")
  endforeach()
  _udsrpc_install_pkg_config(${name} LINK ${arg_LINK} PRIVATE_LINK ${arg_PRIVATE_LINK})
endfunction()

# NAME.pc, made of what the library links. What its headers do not show is private where it is shared; an archive cannot
# be linked without it, and users should not have to know which of the two they have.
function(_udsrpc_install_pkg_config name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINK;PRIVATE_LINK")
  get_target_property(type ${name} TYPE)
  get_target_property(output_name ${name} OUTPUT_NAME)
  set(requires "")
  set(requires_private "")
  set(libs "-L\${libdir} -l${output_name}")
  foreach(library IN LISTS arg_LINK)
    _udsrpc_pkg_config_module("${library}" requires libs)
  endforeach()
  foreach(library IN LISTS arg_PRIVATE_LINK)
    if(type STREQUAL "SHARED_LIBRARY")
      _udsrpc_pkg_config_module("${library}" requires_private libs)
    else()
      _udsrpc_pkg_config_module("${library}" requires libs)
    endif()
  endforeach()
  # What udsrpc_generate links comes to a library only behind this.
  set(core "udsrpc-core = ${PROJECT_VERSION}")
  if(NOT name STREQUAL "udsrpc_core" AND NOT core IN_LIST requires)
    list(APPEND requires "${core}")
  endif()
  list(JOIN requires ", " requires)
  list(JOIN requires_private ", " requires_private)
  cmake_path(SET directory "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
  cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}/${directory}"
             OUTPUT_VARIABLE up)
  configure_file("${PROJECT_SOURCE_DIR}/cmake/udsrpc.pc.in" "${PROJECT_BINARY_DIR}/pkgconfig/${output_name}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/pkgconfig/${output_name}.pc" DESTINATION "${directory}" COMPONENT udsrpc_dev)
endfunction()

# Appends pkg-config's name for a library to the caller's list, or its flags to the caller's flags.
function(_udsrpc_pkg_config_module library modules_var flags_var)
  set(modules ${${modules_var}})
  if(library STREQUAL "Threads::Threads")
    set(${flags_var} "${${flags_var}} -pthread" PARENT_SCOPE)
  elseif(library STREQUAL "protobuf::libprotobuf")
    list(APPEND modules "protobuf")
  elseif(library MATCHES "^absl::(.*)")
    list(APPEND modules "absl_${CMAKE_MATCH_1}")
  elseif(library MATCHES "^gRPC::(.*)")
    list(APPEND modules "${CMAKE_MATCH_1}")
  elseif(library MATCHES "^\\$<INSTALL_INTERFACE:(.*)>$")
    list(APPEND modules "lib${CMAKE_MATCH_1}")
  elseif(library STREQUAL "udsrpc_generated")
    list(APPEND modules "udsrpc-core = ${PROJECT_VERSION}")
  elseif(library MATCHES "^udsrpc")
    string(REPLACE "_" "-" module "${library}")
    list(APPEND modules "${module} = ${PROJECT_VERSION}")
  elseif(NOT library MATCHES "^\\$<BUILD_INTERFACE:")
    message(FATAL_ERROR "cmake/udsrpc_install.cmake does not know pkg-config's name for ${library}")
  endif()
  set(${modules_var} "${modules}" PARENT_SCOPE)
endfunction()

# What there is once: the generator and its CMake function, the package's own files, and the Debian packages.
function(udsrpc_install_package)
  install(TARGETS protoc-gen-udsrpc EXPORT udsrpc-targets
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT udsrpc_dev)
  install(TARGETS udsrpc_generated EXPORT udsrpc-targets)
  set_target_properties(udsrpc_generated PROPERTIES EXPORT_NAME generated)
  if(TARGET udsrpc_cli)
    cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY "${CMAKE_INSTALL_FULL_BINDIR}"
               OUTPUT_VARIABLE libraries)
    set_target_properties(udsrpc_cli PROPERTIES INSTALL_RPATH "$ORIGIN/${libraries}")
    install(TARGETS udsrpc_cli RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT udsrpc_tools)
    if(TARGET udsrpc_manual)
      get_target_property(manual udsrpc_manual BINARY_DIR)
      install(FILES "${manual}/udsrpc.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT udsrpc_tools)
    endif()
  endif()

  foreach(set udsrpc udsrpc-grpc)
    get_property(components_${set} GLOBAL PROPERTY UDSRPC_COMPONENTS_${set})
    if(components_${set})
      install(EXPORT ${set}-targets NAMESPACE udsrpc:: DESTINATION "${UDSRPC_CMAKE_DIR}" COMPONENT udsrpc_dev)
    endif()
  endforeach()
  set(components "${components_udsrpc}")
  set(grpc_components "${components_udsrpc-grpc}")
  configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/udsrpc-config.cmake.in"
    "${PROJECT_BINARY_DIR}/udsrpc-config.cmake" INSTALL_DESTINATION "${UDSRPC_CMAKE_DIR}" NO_SET_AND_CHECK_MACRO)
  # As the soname: before 1.0 a minor version may differ from the last.
  write_basic_package_version_file("${PROJECT_BINARY_DIR}/udsrpc-config-version.cmake" COMPATIBILITY SameMinorVersion)
  install(FILES
    "${PROJECT_BINARY_DIR}/udsrpc-config.cmake"
    "${PROJECT_BINARY_DIR}/udsrpc-config-version.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/udsrpc_generate.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/udsrpc_escape_depfile.cmake"
    DESTINATION "${UDSRPC_CMAKE_DIR}" COMPONENT udsrpc_dev)
  if(PROJECT_IS_TOP_LEVEL)
    include("${PROJECT_SOURCE_DIR}/cmake/udsrpc_debian.cmake")
  endif()
endfunction()
