// Made from crds/zone.yaml by `npm run generate`. Change that file, not this one.

/**
 * A piece of world that is kept hosted by game servers, asleep when nobody is there.
 */
export interface Zone {
  /**
   * Always bailiwick.dev/v1alpha1.
   */
  apiVersion?: string
  /**
   * Always Zone.
   */
  kind?: string
  metadata: ObjectMeta
  spec: ZoneSpec
  status?: ZoneStatus
}
export interface ObjectMeta {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  finalizers?: string[]
  labels?: {
    [k: string]: string
  }
  annotations?: {
    [k: string]: string
  }
}
/**
 * What is wanted.
 */
export interface ZoneSpec {
  /**
   * Name of an Agones Fleet of zone servers in the same namespace that hosts the zone. Without it and without `dedicated`: the operator's default fleet.
   */
  fleet?: string
  dedicated?: Dedicated
  /**
   * OnDemand: asleep until somebody joins. Always: kept awake.
   */
  activation?: 'OnDemand' | 'Always'
  /**
   * Closes the zone and keeps it closed. Nothing is lost.
   */
  suspend?: boolean
  /**
   * A layer that is not kept open goes to sleep after so long with nobody in. Like 30s, 5m or 1h30m, from 1s to 168h.
   */
  idleAfter?: string
  layers?: LayersSpec
  bounds: BoundsSpec
  /**
   * Names of zones in the same namespace whose border with this one may be crossed. A border is open when both zones name each other.
   *
   * @maxItems 16
   */
  neighbours?: string[]
  /**
   * What is in the zone from the beginning. A change takes over in running layers; nobody is cut off and nothing is lost.
   */
  content?: {
    /**
     * Name of a ConfigMap in the same namespace with a content.yaml and, for a map, a map.txt.
     */
    configMap: string
  }
  /**
   * Steps of the simulation a second.
   */
  tickRate?: number
  /**
   * A snapshot is stored so often. Like 30s or 2m, from 1s to 1h.
   */
  snapshotEvery?: string
  /**
   * What deleting the Zone does to its stored data. Retain: nothing, a Zone of the same name finds it again. Delete: it is erased.
   */
  retention?: 'Retain' | 'Delete'
}
/**
 * The operator makes a Fleet for this zone alone, copied from an existing one, with one layer a pod.
 */
export interface Dedicated {
  /**
   * Name of the Fleet in the same namespace that is copied.
   */
  from: string
  /**
   * Replaces the resources of the game server's container.
   */
  resources?: {
    /**
     * What the scheduler sets aside, like cpu 500m, memory 512Mi.
     */
    requests?: {
      [k: string]: number | string
    }
    /**
     * The most that the container may use.
     */
    limits?: {
      [k: string]: number | string
    }
  }
  /**
   * Labels that a node must have; replaces the copied ones.
   */
  nodeSelector?: {
    [k: string]: string
  }
  /**
   * Taints that the pods tolerate; replaces the copied ones.
   *
   * @maxItems 16
   */
  tolerations?: Toleration[]
  /**
   * Affinity of the pods as in a pod's spec; replaces the copied one.
   */
  affinity?: {
    [k: string]: unknown
  }
  /**
   * Priority class of the pods.
   */
  priorityClassName?: string
}
export interface Toleration {
  key?: string
  operator?: 'Exists' | 'Equal'
  value?: string
  effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute'
  tolerationSeconds?: number
}
/**
 * How many copies of the zone run.
 */
export interface LayersSpec {
  /**
   * `Always` keeps so many open; with `OnDemand` players are spread over so many before another opens.
   */
  min?: number
  /**
   * Never more than this. Without it as many as `min`.
   */
  max?: number
  /**
   * When every open layer has so many players the next one opens, up to `max`; the emptiest beyond `min` closes again when the others can take its players and a quarter of their target stays free. Without it 80% of `maxPlayers`.
   */
  targetPlayers?: number
  /**
   * A layer with so many players takes nobody more.
   */
  maxPlayers?: number
}
/**
 * The rectangle of the world's plane that the zone covers, in metres. It may grow, not shrink.
 */
export interface BoundsSpec {
  /**
   * The corner with the smallest coordinates.
   */
  min: {
    x: number
    y: number
  }
  /**
   * The corner with the largest coordinates.
   */
  max: {
    x: number
    y: number
  }
}
/**
 * What was last seen, written by the operator.
 */
export interface ZoneStatus {
  /**
   * The generation of the spec that this status is about.
   */
  observedGeneration?: number
  /**
   * The state in one word; the conditions say more.
   */
  phase?: 'Pending' | 'Waking' | 'Running' | 'Degraded' | 'Sleeping' | 'Suspended' | 'Draining' | 'Failed' | 'Terminating'
  /**
   * The Fleet in use.
   */
  fleet?: string
  /**
   * Players in all layers. A change is told within half a minute, later where thousands of zones change at once.
   */
  players?: number
  /**
   * Layers that are open.
   */
  layerCount?: number
  /**
   * Every layer that is open or waits to be.
   *
   * @maxItems 100
   */
  layers?: LayerStatus[]
  /**
   * Accepted, Hosted, Ready, Progressing and DataSafe.
   *
   * @maxItems 16
   */
  conditions?: Condition[]
}
export interface LayerStatus {
  index: number
  /**
   * The ownership number; it rises with every new owner.
   */
  epoch?: number
  /**
   * Wished, Assigned, Claiming, Serving or Closing.
   */
  state: string
  /**
   * Name of the game server.
   */
  host?: string
  /**
   * Name of the node.
   */
  node?: string
  /**
   * Where clients connect.
   *
   * @maxItems 16
   */
  endpoints?: string[]
  players?: number
}
export interface Condition {
  type: string
  status: 'True' | 'False' | 'Unknown'
  reason: string
  message: string
  lastTransitionTime: string
  observedGeneration?: number
}

/** The schema that the API server checks a Zone with, as it stands in crds/zone.yaml. */
export const zoneSchema = {
  "description": "A piece of world that is kept hosted by game servers, asleep when nobody is there.",
  "type": "object",
  "required": [
    "spec"
  ],
  "x-kubernetes-validations": [
    {
      "rule": "self.metadata.name.size() <= 63 && self.metadata.name.matches('^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$')",
      "message": "metadata.name must be at most 63 lower case letters, digits and dashes, beginning and ending with a letter or digit"
    },
    {
      "rule": "!has(self.spec.neighbours) || !(self.metadata.name in self.spec.neighbours)",
      "message": "spec.neighbours must not name the zone itself"
    }
  ],
  "properties": {
    "apiVersion": {
      "description": "Always bailiwick.dev/v1alpha1.",
      "type": "string"
    },
    "kind": {
      "description": "Always Zone.",
      "type": "string"
    },
    "metadata": {
      "type": "object"
    },
    "spec": {
      "description": "What is wanted.",
      "type": "object",
      "required": [
        "bounds"
      ],
      "x-kubernetes-validations": [
        {
          "rule": "!(has(self.fleet) && has(self.dedicated))",
          "message": "spec.fleet and spec.dedicated exclude each other, remove one"
        }
      ],
      "properties": {
        "fleet": {
          "description": "Name of an Agones Fleet of zone servers in the same namespace that hosts the zone. Without it and without `dedicated`: the operator's default fleet.",
          "type": "string",
          "maxLength": 63,
          "x-kubernetes-validations": [
            {
              "rule": "self.matches('^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$')",
              "message": "spec.fleet must be the name of a Fleet, lower case letters, digits and dashes, beginning and ending with a letter or digit"
            }
          ]
        },
        "dedicated": {
          "description": "The operator makes a Fleet for this zone alone, copied from an existing one, with one layer a pod.",
          "type": "object",
          "required": [
            "from"
          ],
          "properties": {
            "from": {
              "description": "Name of the Fleet in the same namespace that is copied.",
              "type": "string",
              "maxLength": 63,
              "x-kubernetes-validations": [
                {
                  "rule": "self.matches('^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$')",
                  "message": "spec.dedicated.from must be the name of a Fleet, lower case letters, digits and dashes, beginning and ending with a letter or digit"
                }
              ]
            },
            "resources": {
              "description": "Replaces the resources of the game server's container.",
              "type": "object",
              "properties": {
                "requests": {
                  "description": "What the scheduler sets aside, like cpu 500m, memory 512Mi.",
                  "type": "object",
                  "maxProperties": 16,
                  "additionalProperties": {
                    "x-kubernetes-int-or-string": true,
                    "anyOf": [
                      {
                        "type": "integer"
                      },
                      {
                        "type": "string"
                      }
                    ],
                    "maxLength": 32
                  }
                },
                "limits": {
                  "description": "The most that the container may use.",
                  "type": "object",
                  "maxProperties": 16,
                  "additionalProperties": {
                    "x-kubernetes-int-or-string": true,
                    "anyOf": [
                      {
                        "type": "integer"
                      },
                      {
                        "type": "string"
                      }
                    ],
                    "maxLength": 32
                  }
                }
              }
            },
            "nodeSelector": {
              "description": "Labels that a node must have; replaces the copied ones.",
              "type": "object",
              "maxProperties": 16,
              "additionalProperties": {
                "type": "string",
                "maxLength": 63
              }
            },
            "tolerations": {
              "description": "Taints that the pods tolerate; replaces the copied ones.",
              "type": "array",
              "maxItems": 16,
              "items": {
                "type": "object",
                "properties": {
                  "key": {
                    "type": "string",
                    "maxLength": 317
                  },
                  "operator": {
                    "type": "string",
                    "enum": [
                      "Exists",
                      "Equal"
                    ]
                  },
                  "value": {
                    "type": "string",
                    "maxLength": 63
                  },
                  "effect": {
                    "type": "string",
                    "enum": [
                      "NoSchedule",
                      "PreferNoSchedule",
                      "NoExecute"
                    ]
                  },
                  "tolerationSeconds": {
                    "type": "integer",
                    "format": "int64"
                  }
                }
              }
            },
            "affinity": {
              "description": "Affinity of the pods as in a pod's spec; replaces the copied one.",
              "type": "object",
              "x-kubernetes-preserve-unknown-fields": true
            },
            "priorityClassName": {
              "description": "Priority class of the pods.",
              "type": "string",
              "maxLength": 253,
              "x-kubernetes-validations": [
                {
                  "rule": "!self.startsWith('system-')",
                  "message": "spec.dedicated.priorityClassName must not be one of the system's own, name another class"
                }
              ]
            }
          }
        },
        "activation": {
          "description": "OnDemand: asleep until somebody joins. Always: kept awake.",
          "type": "string",
          "enum": [
            "OnDemand",
            "Always"
          ],
          "default": "OnDemand"
        },
        "suspend": {
          "description": "Closes the zone and keeps it closed. Nothing is lost.",
          "type": "boolean",
          "default": false
        },
        "idleAfter": {
          "description": "A layer that is not kept open goes to sleep after so long with nobody in. Like 30s, 5m or 1h30m, from 1s to 168h.",
          "type": "string",
          "maxLength": 24,
          "default": "5m",
          "x-kubernetes-validations": [
            {
              "rule": "self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?([0-9]{1,6}ms)?$') && self != '' && duration(self) >= duration('1s') && duration(self) <= duration('168h')",
              "message": "spec.idleAfter must be a duration from 1s to 168h, like 30s, 5m or 1h30m"
            }
          ]
        },
        "layers": {
          "description": "How many copies of the zone run.",
          "type": "object",
          "default": {},
          "x-kubernetes-validations": [
            {
              "rule": "!has(self.max) || self.max >= self.min",
              "message": "spec.layers.max must not be less than spec.layers.min"
            },
            {
              "rule": "!has(self.targetPlayers) || self.targetPlayers <= self.maxPlayers",
              "message": "spec.layers.targetPlayers must not be more than spec.layers.maxPlayers"
            }
          ],
          "properties": {
            "min": {
              "description": "`Always` keeps so many open; with `OnDemand` players are spread over so many before another opens.",
              "type": "integer",
              "format": "int32",
              "minimum": 1,
              "maximum": 100,
              "default": 1
            },
            "max": {
              "description": "Never more than this. Without it as many as `min`.",
              "type": "integer",
              "format": "int32",
              "minimum": 1,
              "maximum": 100
            },
            "targetPlayers": {
              "description": "When every open layer has so many players the next one opens, up to `max`; the emptiest beyond `min` closes again when the others can take its players and a quarter of their target stays free. Without it 80% of `maxPlayers`.",
              "type": "integer",
              "format": "int32",
              "minimum": 1,
              "maximum": 5000
            },
            "maxPlayers": {
              "description": "A layer with so many players takes nobody more.",
              "type": "integer",
              "format": "int32",
              "minimum": 1,
              "maximum": 5000,
              "default": 300
            }
          }
        },
        "bounds": {
          "description": "The rectangle of the world's plane that the zone covers, in metres. It may grow, not shrink.",
          "type": "object",
          "required": [
            "min",
            "max"
          ],
          "x-kubernetes-validations": [
            {
              "rule": "self.min.x + 1.0 <= self.max.x && self.min.y + 1.0 <= self.max.y",
              "message": "spec.bounds.max must lie at least 1 m beyond spec.bounds.min in both x and y"
            },
            {
              "rule": "self.min.x >= -2000000.0 && self.min.y >= -2000000.0 && self.max.x <= 2000000.0 && self.max.y <= 2000000.0",
              "message": "spec.bounds must lie within 2000000 m of the origin"
            },
            {
              "rule": "self.min.x <= oldSelf.min.x && self.min.y <= oldSelf.min.y && self.max.x >= oldSelf.max.x && self.max.y >= oldSelf.max.y",
              "message": "spec.bounds may grow, not shrink, since something may lie in what would be cut off"
            }
          ],
          "properties": {
            "min": {
              "description": "The corner with the smallest coordinates.",
              "type": "object",
              "required": [
                "x",
                "y"
              ],
              "properties": {
                "x": {
                  "type": "number"
                },
                "y": {
                  "type": "number"
                }
              }
            },
            "max": {
              "description": "The corner with the largest coordinates.",
              "type": "object",
              "required": [
                "x",
                "y"
              ],
              "properties": {
                "x": {
                  "type": "number"
                },
                "y": {
                  "type": "number"
                }
              }
            }
          }
        },
        "neighbours": {
          "description": "Names of zones in the same namespace whose border with this one may be crossed. A border is open when both zones name each other.",
          "type": "array",
          "maxItems": 16,
          "x-kubernetes-list-type": "set",
          "items": {
            "type": "string",
            "maxLength": 63,
            "x-kubernetes-validations": [
              {
                "rule": "self.matches('^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$')",
                "message": "spec.neighbours must be names of Zones, lower case letters, digits and dashes, beginning and ending with a letter or digit"
              }
            ]
          }
        },
        "content": {
          "description": "What is in the zone from the beginning. A change takes over in running layers; nobody is cut off and nothing is lost.",
          "type": "object",
          "required": [
            "configMap"
          ],
          "properties": {
            "configMap": {
              "description": "Name of a ConfigMap in the same namespace with a content.yaml and, for a map, a map.txt.",
              "type": "string",
              "maxLength": 253,
              "x-kubernetes-validations": [
                {
                  "rule": "self.matches('^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$')",
                  "message": "spec.content.configMap must be the name of a ConfigMap, lower case letters, digits, dashes and dots, beginning and ending with a letter or digit"
                }
              ]
            }
          }
        },
        "tickRate": {
          "description": "Steps of the simulation a second.",
          "type": "integer",
          "format": "int32",
          "minimum": 1,
          "maximum": 60,
          "default": 20
        },
        "snapshotEvery": {
          "description": "A snapshot is stored so often. Like 30s or 2m, from 1s to 1h.",
          "type": "string",
          "maxLength": 24,
          "default": "30s",
          "x-kubernetes-validations": [
            {
              "rule": "self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?([0-9]{1,6}ms)?$') && self != '' && duration(self) >= duration('1s') && duration(self) <= duration('1h')",
              "message": "spec.snapshotEvery must be a duration from 1s to 1h, like 30s or 2m"
            }
          ]
        },
        "retention": {
          "description": "What deleting the Zone does to its stored data. Retain: nothing, a Zone of the same name finds it again. Delete: it is erased.",
          "type": "string",
          "enum": [
            "Retain",
            "Delete"
          ],
          "default": "Retain"
        }
      }
    },
    "status": {
      "description": "What was last seen, written by the operator.",
      "type": "object",
      "properties": {
        "observedGeneration": {
          "description": "The generation of the spec that this status is about.",
          "type": "integer",
          "format": "int64"
        },
        "phase": {
          "description": "The state in one word; the conditions say more.",
          "type": "string",
          "enum": [
            "Pending",
            "Waking",
            "Running",
            "Degraded",
            "Sleeping",
            "Suspended",
            "Draining",
            "Failed",
            "Terminating"
          ]
        },
        "fleet": {
          "description": "The Fleet in use.",
          "type": "string",
          "maxLength": 63
        },
        "players": {
          "description": "Players in all layers. A change is told within half a minute, later where thousands of zones change at once.",
          "type": "integer",
          "format": "int32"
        },
        "layerCount": {
          "description": "Layers that are open.",
          "type": "integer",
          "format": "int32"
        },
        "layers": {
          "description": "Every layer that is open or waits to be.",
          "type": "array",
          "maxItems": 100,
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": [
            "index"
          ],
          "items": {
            "type": "object",
            "required": [
              "index",
              "state"
            ],
            "properties": {
              "index": {
                "type": "integer",
                "format": "int32"
              },
              "epoch": {
                "description": "The ownership number; it rises with every new owner.",
                "type": "integer",
                "format": "int64"
              },
              "state": {
                "description": "Wished, Assigned, Claiming, Serving or Closing.",
                "type": "string"
              },
              "host": {
                "description": "Name of the game server.",
                "type": "string"
              },
              "node": {
                "description": "Name of the node.",
                "type": "string"
              },
              "endpoints": {
                "description": "Where clients connect.",
                "type": "array",
                "maxItems": 16,
                "items": {
                  "type": "string"
                }
              },
              "players": {
                "type": "integer",
                "format": "int32"
              }
            }
          }
        },
        "conditions": {
          "description": "Accepted, Hosted, Ready, Progressing and DataSafe.",
          "type": "array",
          "maxItems": 16,
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": [
            "type"
          ],
          "items": {
            "type": "object",
            "required": [
              "type",
              "status",
              "reason",
              "message",
              "lastTransitionTime"
            ],
            "properties": {
              "type": {
                "type": "string",
                "maxLength": 316
              },
              "status": {
                "type": "string",
                "enum": [
                  "True",
                  "False",
                  "Unknown"
                ]
              },
              "reason": {
                "type": "string",
                "maxLength": 1024
              },
              "message": {
                "type": "string",
                "maxLength": 32768
              },
              "lastTransitionTime": {
                "type": "string",
                "format": "date-time"
              },
              "observedGeneration": {
                "type": "integer",
                "format": "int64"
              }
            }
          }
        }
      }
    }
  }
} as const
