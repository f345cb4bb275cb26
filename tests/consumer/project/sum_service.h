#ifndef CONSUMER_SUM_SERVICE_H_
#define CONSUMER_SUM_SERVICE_H_

#include "sums.udsrpc.pb.h"

namespace consumer {

class SumService final : public SumsService {
 public:
  absl::Status Add(udsrpc::ServerContext& context, const Numbers& request, Sum& sum) override;
  absl::Status AddAll(udsrpc::ServerContext& context, udsrpc::ServerReader<Numbers>& reader, Sum& sum) override;
};

}  // namespace consumer

#endif  // CONSUMER_SUM_SERVICE_H_
