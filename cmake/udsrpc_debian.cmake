# Debian packages, by `cpack -G DEB` in the build directory: the shared libraries (of a build with BUILD_SHARED_LIBS),
# what is needed to build against the libraries, and the command where it is built.

set(soversion "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
set(CPACK_PACKAGE_NAME udsrpc)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_CONTACT "udsrpc's packagers <root@localhost>" CACHE STRING "Who makes the Debian packages")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_DESCRIPTION "Services are defined in Protobuf and called through one generated stub, over gRPC on Unix
sockets or over a faster transport of udsrpc's own.")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Where the libraries are built.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS
  "${PROJECT_BINARY_DIR}" "${PROJECT_BINARY_DIR}/client" "${PROJECT_BINARY_DIR}/server")

# dev: what the CMake and pkg-config files lead to. gRPC's CMake package wants its own generator to be there.
set(dev_depends "libprotobuf-dev, protobuf-compiler, libabsl-dev")
if(UDSRPC_WITH_GRPC)
  string(APPEND dev_depends ", libgrpc++-dev, protobuf-compiler-grpc")
endif()
if(UDSRPC_WITH_SYSTEMD)
  string(APPEND dev_depends ", libsystemd-dev")
endif()
set(CPACK_COMPONENTS_ALL udsrpc_dev)
set(CPACK_DEBIAN_UDSRPC_DEV_PACKAGE_NAME libudsrpc-dev)
set(CPACK_DEBIAN_UDSRPC_DEV_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_UDSRPC_DEV_DESCRIPTION "headers, CMake and pkg-config files, and the generator")

if(BUILD_SHARED_LIBS)
  string(APPEND dev_depends ", libudsrpc${soversion} (= ${PROJECT_VERSION})")
  list(APPEND CPACK_COMPONENTS_ALL udsrpc_runtime)
  set(CPACK_DEBIAN_UDSRPC_RUNTIME_PACKAGE_NAME libudsrpc${soversion})
  set(CPACK_DEBIAN_UDSRPC_RUNTIME_PACKAGE_SECTION libs)
  set(CPACK_DEBIAN_UDSRPC_RUNTIME_PACKAGE_GENERATE_SHLIBS ON)
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY "=")
  set(CPACK_COMPONENT_UDSRPC_RUNTIME_DESCRIPTION "the shared libraries")
endif()
set(CPACK_DEBIAN_UDSRPC_DEV_PACKAGE_DEPENDS "${dev_depends}")

if(TARGET udsrpc_cli)
  list(APPEND CPACK_COMPONENTS_ALL udsrpc_tools)
  set(CPACK_DEBIAN_UDSRPC_TOOLS_PACKAGE_NAME udsrpc-tools)
  set(CPACK_DEBIAN_UDSRPC_TOOLS_PACKAGE_SECTION net)
  if(BUILD_SHARED_LIBS)
    set(CPACK_DEBIAN_UDSRPC_TOOLS_PACKAGE_DEPENDS "libudsrpc${soversion} (= ${PROJECT_VERSION})")
  endif()
  set(CPACK_COMPONENT_UDSRPC_TOOLS_DESCRIPTION "the command udsrpc: calls services, and shows what they have")
endif()

include(CPack)
