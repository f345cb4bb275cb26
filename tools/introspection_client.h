#ifndef UDSRPC_TOOLS_INTROSPECTION_CLIENT_H_
#define UDSRPC_TOOLS_INTROSPECTION_CLIENT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "tools/exit_code.h"
#include "udsrpc/latency_histogram.h"
#include "udsrpc/v1/introspection.udsrpc.pb.h"

namespace udsrpc::tools {

// Asks the server that `stub` reaches, within --timeout; `target` is for messages.
Outcome FetchStats(absl::string_view target, const v1::IntrospectionStub& stub, v1::GetStatsResponse* stats);

// As CallOutcome, which also says what a server needs in order to be asked such things.
Outcome IntrospectionOutcome(absl::string_view target, const absl::Status& status);

absl::Duration DurationOf(const google::protobuf::Duration& message);
absl::Time TimeOf(const google::protobuf::Timestamp& message);
LatencyHistogram HistogramOf(const v1::LatencyHistogram& message);

// "NOT_FOUND", of a status code's number.
std::string CodeText(int code);
// Of calls that have ended with another status than OK.
uint64_t ErrorsOf(const v1::MethodStats& stats);

// In three digits and with a unit: "12.3us", "4.56ms"; "-" for nothing.
std::string LatencyText(absl::Duration latency);
// The message as JSON in one line.
std::string JsonLine(const google::protobuf::Message& message);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_INTROSPECTION_CLIENT_H_
