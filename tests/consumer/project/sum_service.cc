#include "sum_service.h"

namespace consumer {

absl::Status SumService::Add(udsrpc::ServerContext& /*context*/, const Numbers& request, Sum& sum) {
  if (request.values().empty()) return absl::InvalidArgumentError("values: there are none");
  for (int64_t value : request.values()) sum.set_value(sum.value() + value);
  return absl::OkStatus();
}

absl::Status SumService::AddAll(udsrpc::ServerContext& context, udsrpc::ServerReader<Numbers>& reader, Sum& sum) {
  Numbers numbers;
  while (reader.Read(numbers)) {
    if (absl::Status status = Add(context, numbers, sum); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace consumer
