#ifndef UDSRPC_TOOLS_BENCH_TEXT_H_
#define UDSRPC_TOOLS_BENCH_TEXT_H_

#include <string>

#include "tools/bench_report.pb.h"

namespace udsrpc::tools {

// The report for people, with its histogram, in lines of `width` columns.
std::string BenchText(const BenchReport& report, int width);

// "12.3 us", "4.56 ms" or "7.89 s".
std::string MicrosecondsText(double us);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_BENCH_TEXT_H_
