#ifndef UDSRPC_BENCHMARKS_SUITE_SYSTEM_H_
#define UDSRPC_BENCHMARKS_SUITE_SYSTEM_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/suite/load.h"

// One RPC system, as the suite's workloads see it. Each program of the suite links one, with its variants, and is both
// of its ends: see main.cc. Whatever goes wrong at either end ends the program by Fail (load.h): a figure counts only
// where every reply was right.

namespace udsrpc::benchmarks {

// A client's connection, or what the system has in its place. The functions block; `load` says when to stop, and is
// told of every call. Calls have a deadline of kCallTimeout where the system knows deadlines, and every reply is
// compared with what was sent. A function gives false where the system has nothing like it, without having done
// anything.
class Connection {
 public:
  virtual ~Connection() = default;

  // Unary: the same bytes come back, after the handler has slept for `handler_sleep`. By the calling thread, one call;
  // called by several threads at a time.
  virtual void Echo(const std::string& payload, std::chrono::microseconds handler_sleep) = 0;

  // Keeps `outstanding` of these calls under way, through the system's best asynchronous face. Every
  // `load.slow_every()`th call, where that is not 0, has the handler sleep for load.slow_for().
  virtual bool EchoMany(int outstanding, const std::string& payload, Load& load) = 0;

  // Server streaming: messages of `payload`, as fast as they come. One call of Load::Count for each.
  virtual bool Download(const std::string& /*payload*/, Load& /*load*/) { return false; }

  // Bidirectional: one message there and back at a time, on one stream.
  virtual bool PingPong(const std::string& /*payload*/, Load& /*load*/) { return false; }

  // Client streaming: `bytes` in all in messages of `chunk`, and a reply that says how many have come. Blocks for one.
  virtual bool Upload(const std::string& /*chunk*/, uint64_t /*bytes*/) { return false; }
};

// A server that runs until it is destroyed.
class RunningServer {
 public:
  virtual ~RunningServer() = default;
};

struct System {
  std::string name;  // as in the table; programs take it as their first argument
  // `path` is that of a socket. Both give an object or end the program.
  std::unique_ptr<RunningServer> (*serve)(const std::string& path);
  std::unique_ptr<Connection> (*connect)(const std::string& path);
  // No RPC, but the least that a socket costs: Echo of a few bytes is all that there is, and ten thousand connections
  // would be as many threads.
  bool bare = false;
};

inline constexpr std::chrono::seconds kCallTimeout{20};

// Of the program that links it.
const std::vector<System>& Systems();

}  // namespace udsrpc::benchmarks

#endif  // UDSRPC_BENCHMARKS_SUITE_SYSTEM_H_
