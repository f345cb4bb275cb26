#include "udsrpc/channel.h"
