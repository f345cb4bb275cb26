#include "benchmarks/suite/load.h"

#include <errno.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace udsrpc::benchmarks {
namespace {

double CpuMicrosecondsOf(clockid_t clock) {
  timespec used;
  if (clock_gettime(clock, &used) != 0) Fail("the server has died");
  return static_cast<double>(used.tv_sec) * 1e6 + static_cast<double>(used.tv_nsec) / 1e3;
}

}  // namespace

void Fail(const std::string& why) {
  std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, why.c_str());
  std::_Exit(2);  // other threads are in the middle of calls: nothing of theirs may be destroyed
}

Interval::Interval(Load& load, pid_t server) : load_(load) {
  if (clock_getcpuclockid(server, &server_clock_) != 0) Fail("there is no server with the process id that was given");
}

double Interval::CpuMicroseconds() const {
  return CpuMicrosecondsOf(CLOCK_PROCESS_CPUTIME_ID) + CpuMicrosecondsOf(server_clock_);
}

void Interval::Begin() {
  begin_cpu_us_ = CpuMicroseconds();
  begin_ = Clock::now();
  load_.StartCounting();
}

void Interval::End() {
  load_.End();
  end_ = Clock::now();
  end_cpu_us_ = CpuMicroseconds();
}

}  // namespace udsrpc::benchmarks
