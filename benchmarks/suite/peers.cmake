# The systems of the suite that nothing else here needs, as far as their libraries are there. On Debian: capnproto
# libcapnp-dev, libthrift-dev thrift-compiler libboost-dev, libzmq3-dev cppzmq-dev.

if(NOT UDSRPC_BENCHMARK_PEERS)
  return()
endif()

set(peers_out "${CMAKE_CURRENT_BINARY_DIR}/peers")
file(MAKE_DIRECTORY "${peers_out}/thrift_api")

find_package(PkgConfig)
if(PKG_CONFIG_FOUND)
  pkg_check_modules(capnp_rpc IMPORTED_TARGET capnp-rpc)
  pkg_check_modules(thrift IMPORTED_TARGET thrift)
  pkg_check_modules(libzmq IMPORTED_TARGET libzmq)
endif()
find_program(UDSRPC_CAPNP capnp)
find_program(UDSRPC_THRIFT thrift)
# libzmq's own package has no C++ header, and Thrift's does not bring Boost's, which its own headers include.
find_path(UDSRPC_ZMQ_HPP zmq.hpp)
find_path(UDSRPC_BOOST boost/numeric/conversion/cast.hpp)

if(capnp_rpc_FOUND AND UDSRPC_CAPNP)
  add_custom_command(
    OUTPUT "${peers_out}/echo.capnp.c++" "${peers_out}/echo.capnp.h"
    COMMAND "${UDSRPC_CAPNP}" compile "-oc++:${peers_out}" "--src-prefix=${CMAKE_CURRENT_SOURCE_DIR}"
            "${CMAKE_CURRENT_SOURCE_DIR}/echo.capnp"
    DEPENDS echo.capnp VERBATIM)
  udsrpc_add_bench(bench_capnproto SOURCES capnproto_system.cc "${peers_out}/echo.capnp.c++" LINK PkgConfig::capnp_rpc)
  target_include_directories(bench_capnproto SYSTEM PRIVATE "${peers_out}")
  add_dependencies(bench_all bench_capnproto)
else()
  message(STATUS "No bench_capnproto: Cap'n Proto is missing")
endif()

if(thrift_FOUND AND UDSRPC_THRIFT AND UDSRPC_BOOST)
  add_custom_command(
    OUTPUT "${peers_out}/thrift_api/Echo.cpp" "${peers_out}/thrift_api/Echo.h" "${peers_out}/thrift_api/echo_types.h"
    COMMAND "${UDSRPC_THRIFT}" --gen cpp:no_skeleton -out "${peers_out}/thrift_api"
            "${CMAKE_CURRENT_SOURCE_DIR}/echo.thrift"
    DEPENDS echo.thrift VERBATIM)
  udsrpc_add_bench(bench_thrift SOURCES thrift_system.cc "${peers_out}/thrift_api/Echo.cpp" LINK PkgConfig::thrift)
  target_include_directories(bench_thrift SYSTEM PRIVATE "${peers_out}" "${UDSRPC_BOOST}")
  add_dependencies(bench_all bench_thrift)
else()
  message(STATUS "No bench_thrift: Thrift is missing, or Boost, which its headers include")
endif()

if(libzmq_FOUND AND UDSRPC_ZMQ_HPP)
  udsrpc_add_bench(bench_zeromq SOURCES zeromq_system.cc LINK PkgConfig::libzmq)
  target_include_directories(bench_zeromq SYSTEM PRIVATE "${UDSRPC_ZMQ_HPP}")
  add_dependencies(bench_all bench_zeromq)
else()
  message(STATUS "No bench_zeromq: ZeroMQ is missing, or its header for C++")
endif()
